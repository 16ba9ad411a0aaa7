// The attributes of a node, read and checked; and written again for the engine file.
#pragma once

#include <NvInferRuntime.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace lrhdr {

// What a user gave cannot be used. The message says what was received and what was expected.
class Refused : public std::runtime_error {
 public:
  Refused(const std::string& received, const std::string& expected)
      : std::runtime_error(received + "; expected " + expected) {}
};

// A read-only view of TensorRT's collection.
class Fields {
 public:
  explicit Fields(const nvinfer1::PluginFieldCollection* collection);

  // Throw Refused where the field is missing or not one number of that kind.
  float number(const std::string& name) const;
  int32_t integer(const std::string& name) const;
  int32_t integer(const std::string& name, int32_t otherwise) const;

 private:
  const nvinfer1::PluginField* find(const std::string& name) const;

  const nvinfer1::PluginFieldCollection* collection_;
};

// `value`, if it is a usable alpha.
float checked_alpha(float value);

// A collection that points at its owner's attributes.
class FieldList {
 public:
  explicit FieldList(std::vector<nvinfer1::PluginField> fields);
  FieldList(const FieldList&) = delete;
  FieldList& operator=(const FieldList&) = delete;
  const nvinfer1::PluginFieldCollection* get() const { return &collection_; }

 private:
  std::vector<nvinfer1::PluginField> fields_;
  nvinfer1::PluginFieldCollection collection_;
};

}  // namespace lrhdr
