#include "fields.h"

#include <cstdint>
#include <limits>
#include <utility>

namespace lrhdr {
namespace {

using nvinfer1::PluginField;
using nvinfer1::PluginFieldType;

std::string describe(const PluginField& field) {
  return std::string("attribute ") + field.name + " of type " +
         std::to_string(static_cast<int>(field.type)) + " and length " +
         std::to_string(field.length);
}

int32_t integer_of(const PluginField& field) {
  const bool single = field.length == 1 && field.data != nullptr;
  if (single && field.type == PluginFieldType::kINT32) {
    return *static_cast<const int32_t*>(field.data);
  }
  if (single && field.type == PluginFieldType::kINT64) {
    const int64_t value = *static_cast<const int64_t*>(field.data);
    if (value >= std::numeric_limits<int32_t>::min() &&
        value <= std::numeric_limits<int32_t>::max()) {
      return static_cast<int32_t>(value);
    }
  }
  throw Refused(describe(field), "one integer");
}

}  // namespace

Fields::Fields(const nvinfer1::PluginFieldCollection* collection) : collection_(collection) {
  if (collection == nullptr || (collection->nbFields > 0 && collection->fields == nullptr)) {
    throw Refused("no attributes", "a collection of fields");
  }
}

const PluginField* Fields::find(const std::string& name) const {
  for (int32_t i = 0; i < collection_->nbFields; ++i) {
    const PluginField& field = collection_->fields[i];
    if (field.name != nullptr && name == field.name) return &field;
  }
  return nullptr;
}

float Fields::number(const std::string& name) const {
  const PluginField* field = find(name);
  if (field == nullptr) throw Refused("no attribute " + name, "one number");
  const bool single = field->length == 1 && field->data != nullptr;
  if (single && field->type == PluginFieldType::kFLOAT32) {
    return *static_cast<const float*>(field->data);
  }
  if (single && field->type == PluginFieldType::kFLOAT64) {
    return static_cast<float>(*static_cast<const double*>(field->data));
  }
  throw Refused(describe(*field), "one floating-point number");
}

int32_t Fields::integer(const std::string& name) const {
  const PluginField* field = find(name);
  if (field == nullptr) throw Refused("no attribute " + name, "one integer");
  return integer_of(*field);
}

int32_t Fields::integer(const std::string& name, int32_t otherwise) const {
  const PluginField* field = find(name);
  return field == nullptr ? otherwise : integer_of(*field);
}

float checked_alpha(float value) {
  if (!(value > 1.0f && value <= 2.0f)) {  // refuses NaN as well
    throw Refused("alpha " + std::to_string(value), "a number above 1 and at most 2");
  }
  return value;
}

FieldList::FieldList(std::vector<PluginField> fields)
    : fields_(std::move(fields)),
      collection_{static_cast<int32_t>(fields_.size()), fields_.data()} {}

}  // namespace lrhdr
