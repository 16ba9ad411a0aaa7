// Drives the library as TensorRT does, as far as that needs no GPU. Usage: contract LIBRARY
#include "contract.h"

#include <dlfcn.h>

#include <cmath>
#include <memory>

using namespace nvinfer1;
using Plugin = std::unique_ptr<IPluginV3>;
using Types = std::vector<DataType>;

constexpr auto kFloat = PluginFieldType::kFLOAT32;
constexpr auto kInt = PluginFieldType::kINT32;
constexpr auto F32 = DataType::kFLOAT, F16 = DataType::kHALF;

Logger logger;
IPluginCreatorV3One *entmax, *fusion;

Plugin make(IPluginCreatorV3One* creator, std::vector<PluginField> fields,
            TensorRTPhase phase = TensorRTPhase::kBUILD) {
  const PluginFieldCollection collection{static_cast<int32_t>(fields.size()), fields.data()};
  return Plugin(creator->createPlugin("node", &collection, phase));
}

Plugin make_entmax(float alpha, int32_t axis) {
  return make(entmax, {{"alpha", &alpha, kFloat, 1}, {"axis", &axis, kInt, 1}});
}

Plugin make_fusion(float alpha, int32_t images, int32_t masks) {
  return make(
      fusion,
      {{"alpha", &alpha, kFloat, 1}, {"images", &images, kInt, 1}, {"masks", &masks, kInt, 1}});
}

void attributes() {
  for (float alpha : {1.001f, 1.5f, 1.75f, 2.0f}) CHECK(make_entmax(alpha, 1) != nullptr);
  for (float alpha : {1.0f, 0.5f, 2.001f, -1.0f, NAN, INFINITY}) {
    CHECK(make_entmax(alpha, 1) == nullptr);
    CHECK(logger.said({"lrhdr::Entmax: alpha ", "expected a number above 1 and at most 2"}));
    CHECK(make_fusion(alpha, 4, 0) == nullptr);
    CHECK(logger.said({"lrhdr::EntmaxFusion: alpha "}));
  }
  for (int32_t axis : {0, 2, -3}) {
    CHECK(make_entmax(1.75f, axis) == nullptr);
    CHECK(logger.said({"axis ", "expected 1"}));
  }
  for (int32_t images : {0, 17, -1}) {
    CHECK(make_fusion(1.75f, images, 0) == nullptr);
    CHECK(logger.said({"images ", "from 1 to 16"}));
  }
  CHECK(make_fusion(1.75f, 4, 2) == nullptr);
  CHECK(logger.said({"masks 2", "from 0 to 1"}));

  float number = 1.75f, two[] = {1.5f, 1.5f};
  double precise = 1.75;
  int32_t one = 1;
  int64_t wide = 1, huge = int64_t{1} << 32;
  CHECK(make(entmax, {{"alpha", &precise, PluginFieldType::kFLOAT64, 1},
                      {"axis", &wide, PluginFieldType::kINT64, 1},
                      {"unknown", &one, kInt, 1}}) != nullptr);
  CHECK(make(entmax, {{"alpha", &one, kInt, 1}, {"axis", &one, kInt, 1}}) == nullptr);
  CHECK(logger.said({"attribute alpha of type", "expected one floating-point number"}));
  CHECK(make(entmax, {{"alpha", two, kFloat, 2}, {"axis", &one, kInt, 1}}) == nullptr);
  CHECK(logger.said({"length 2"}));
  CHECK(make(entmax, {{"alpha", nullptr, kFloat, 1}, {"axis", &one, kInt, 1}}) == nullptr);
  CHECK(logger.said({"attribute alpha"}));
  CHECK(make(entmax, {{"alpha", &number, kFloat, 1}, {"axis", &number, kFloat, 1}}) == nullptr);
  CHECK(logger.said({"attribute axis", "expected one integer"}));
  CHECK(make(entmax, {{"alpha", &number, kFloat, 1},
                      {"axis", &huge, PluginFieldType::kINT64, 1}}) == nullptr);
  CHECK(logger.said({"attribute axis"}));
  CHECK(make(entmax, {{"axis", &one, kInt, 1}}) == nullptr);
  CHECK(logger.said({"no attribute alpha"}));
  CHECK(make(entmax, {{"alpha", &number, kFloat, 1}}) == nullptr);
  CHECK(logger.said({"no attribute axis"}));
  CHECK(make(fusion, {{"alpha", &number, kFloat, 1}}) == nullptr);
  CHECK(logger.said({"no attribute images"}));
  CHECK(Plugin(entmax->createPlugin("node", nullptr, TensorRTPhase::kBUILD)) == nullptr);
  CHECK(logger.said({"no attributes"}));
}

// The attributes survive the engine file, copies and the death of the original.
void identity(IPluginCreatorV3One* creator, Plugin plugin, std::vector<float> values) {
  auto* core = capability<IPluginV3OneCore>(plugin.get(), PluginCapabilityType::kCORE);
  CHECK(std::string(core->getPluginName()) == creator->getPluginName());
  CHECK(std::string(core->getPluginVersion()) == "1");
  CHECK(std::string(core->getPluginNamespace()) == "lrhdr");
  CHECK(build(plugin.get()) != nullptr && runtime(plugin.get()) != nullptr);

  Plugin copy(plugin->clone()), attached(runtime(plugin.get())->attachToContext(nullptr));
  const PluginFieldCollection* written = runtime(plugin.get())->getFieldsToSerialize();
  Plugin loaded(creator->createPlugin("node", written, TensorRTPhase::kRUNTIME));
  plugin.reset();
  for (IPluginV3* each : {copy.get(), attached.get(), loaded.get()}) {
    CHECK(each != nullptr);
    const PluginFieldCollection* fields = runtime(each)->getFieldsToSerialize();
    CHECK(fields->nbFields == static_cast<int32_t>(values.size()));
    for (int32_t i = 0; i < fields->nbFields; ++i) {
      const PluginField& field = fields->fields[i];
      CHECK(field.length == 1 && field.type == (i == 0 ? kFloat : kInt));
      const float value = i == 0 ? *static_cast<const float*>(field.data)
                                 : static_cast<float>(*static_cast<const int32_t*>(field.data));
      CHECK(value == values[i]);
      CHECK(std::string(field.name) == creator->getFieldNames()->fields[i].name);
    }
  }
}

// Exactly the combinations of FP32 and FP16 in `allowed` pass, and nothing but linear ones.
void formats(IPluginV3* plugin, int32_t inputs, std::vector<Types> allowed) {
  const int32_t count = static_cast<int32_t>(allowed[0].size());
  for (unsigned bits = 0; bits < 1u << count; ++bits) {
    Types types;
    for (int32_t i = 0; i < count; ++i) types.push_back(bits >> i & 1 ? F16 : F32);
    bool expected = false;
    for (const Types& each : allowed) expected = expected || each == types;
    std::vector<DynamicPluginTensorDesc> in_out(count);
    bool passed = true;
    for (int32_t i = 0; i < count; ++i) in_out[i].desc = tensor(types[i], {});
    for (int32_t i = 0; i < count; ++i) {
      passed = passed &&
               build(plugin)->supportsFormatCombination(i, in_out.data(), inputs, count - inputs);
    }
    CHECK(passed == expected);
    for (int32_t i = 0; expected && i < count; ++i) {
      in_out[i].desc.format = TensorFormat::kCHW4;
      CHECK(!build(plugin)->supportsFormatCombination(i, in_out.data(), inputs, count - inputs));
      in_out[i].desc.format = TensorFormat::kLINEAR;
      for (DataType other : {DataType::kINT8, DataType::kBF16, DataType::kINT32}) {
        in_out[i].desc.type = other;
        CHECK(!build(plugin)->supportsFormatCombination(i, in_out.data(), inputs, count - inputs));
      }
      in_out[i].desc.type = types[i];
    }
    Types out(count - inputs, DataType::kINT8);
    if (expected) {
      CHECK(build(plugin)->getOutputDataTypes(out.data(), count - inputs, types.data(), inputs) ==
            0);
      CHECK(out == Types(types.begin() + inputs, types.end()));
    }
  }
}

void entmax_shapes() {
  Plugin plugin = make_entmax(1.75f, 1);
  Sizes sizes;
  DimsExprs in = sizes.shape({-1, 6, -1, 1080}), out{};
  CHECK(build(plugin.get())->getNbOutputs() == 1);
  CHECK(build(plugin.get())->getOutputShapes(&in, 1, nullptr, 0, &out, 1, sizes) == 0);
  CHECK(out.nbDims == 4);
  for (int i = 0; i < 4; ++i) CHECK(out.d[i] == in.d[i]);
  for (int64_t n : {-1, 0, 1, 17}) {
    in = sizes.shape({1, n, 8, 8});
    CHECK(build(plugin.get())->getOutputShapes(&in, 1, nullptr, 0, &out, 1, sizes) != 0);
    CHECK(logger.said({"logits of shape (1, ", "N from 2 to 16"}));
  }
  PluginTensorDesc good = tensor(F16, {3, 16, 5, 7}), bad = tensor(F16, {16, 5, 7});
  CHECK(runtime(plugin.get())->onShapeChange(&good, 1, &good, 1) == 0);
  CHECK(runtime(plugin.get())->onShapeChange(&bad, 1, &bad, 1) != 0);
  CHECK(logger.said({"logits of shape (16, 5, 7)"}));
  CHECK(runtime(plugin.get())->onShapeChange(&good, 2, &good, 1) != 0);
  CHECK(logger.said({"2 inputs and 1 outputs"}));
  PluginTensorDesc empty = tensor(F32, {1, 6, 0, 8});
  void* nothing[1] = {nullptr};
  CHECK(runtime(plugin.get())->enqueue(&empty, &empty, nothing, nothing, nullptr, nullptr) == 0);
}

void fusion_shapes() {
  Plugin plain = make_fusion(1.75f, 2, 0), masked = make_fusion(1.75f, 2, 1);
  Sizes sizes;
  const auto image = [&] { return sizes.shape({1, 3, 1088, -1}); };
  std::vector<DimsExprs> in{sizes.shape({1, 3, 1088, -1}), image(), image(), sizes.shape({2}),
                            image()};
  DimsExprs out[2]{};
  CHECK(build(plain.get())->getOutputShapes(in.data(), 5, nullptr, 0, out, 1, sizes) == 0);
  CHECK(out[0].nbDims == 4 && out[0].d[1]->getConstantValue() == 3 && out[0].d[3] == in[0].d[3]);
  CHECK(build(masked.get())->getNbOutputs() == 2);
  CHECK(build(masked.get())->getOutputShapes(in.data(), 5, nullptr, 0, out, 2, sizes) == 0);
  CHECK(out[1].d[1]->getConstantValue() == 3);

  const auto refused = [&](IPluginV3* plugin, int32_t at, DimsExprs shape, const char* message) {
    std::vector<DimsExprs> changed = in;
    changed[at] = shape;
    CHECK(build(plugin)->getOutputShapes(changed.data(), 5, nullptr, 0, out, 1, sizes) != 0);
    CHECK(logger.said({message}));
  };
  refused(plain.get(), 0, sizes.shape({1, 4, 1088, -1}), "for as many candidates");
  refused(plain.get(), 0, sizes.shape({2, 3, 1088, -1}), "for as many candidates");
  refused(plain.get(), 1, sizes.shape({1, 3, 1080, -1}), "input 1 of shape (1, 3, 1080, -1)");
  refused(plain.get(), 3, sizes.shape({3}), "an exposure for each image");
  refused(plain.get(), 4, sizes.shape({1, 1, 1088, -1}), "input 4");
  refused(masked.get(), 0, in[0], "2 out");
  CHECK(build(plain.get())->getOutputShapes(in.data(), 3, nullptr, 0, out, 1, sizes) != 0);
  CHECK(logger.said({"3 inputs"}));

  std::vector<PluginTensorDesc> now{tensor(F32, {1, 3, 4, 5}), tensor(F32, {1, 3, 4, 5}),
                                    tensor(F32, {1, 3, 4, 5}), tensor(F32, {2}),
                                    tensor(F32, {1, 3, 4, 5})};
  CHECK(runtime(plain.get())->onShapeChange(now.data(), 5, now.data(), 1) == 0);
  now[2] = tensor(F32, {1, 3, 4, 6});
  CHECK(runtime(plain.get())->onShapeChange(now.data(), 5, now.data(), 1) != 0);
  CHECK(logger.said({"input 2 of shape (1, 3, 4, 6)"}));
}

int main(int, char** arguments) {
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::printf("%s\n", dlerror()), 2;
  auto* get = reinterpret_cast<IPluginCreatorInterface* const* (*)(int32_t&)>(
      dlsym(library, "getCreators"));
  auto* set = reinterpret_cast<void (*)(ILoggerFinder*)>(dlsym(library, "setLoggerFinder"));
  if (get == nullptr || set == nullptr) return std::printf("%s\n", dlerror()), 2;
  set(&logger);
  int32_t count = 0;
  IPluginCreatorInterface* const* creators = get(count);
  CHECK(count == 2);
  for (int32_t i = 0; i < count; ++i) {
    CHECK(std::string(creators[i]->getInterfaceInfo().kind) == "PLUGIN CREATOR_V3ONE");
  }
  entmax = static_cast<IPluginCreatorV3One*>(creators[0]);
  fusion = static_cast<IPluginCreatorV3One*>(creators[1]);

  attributes();
  identity(entmax, make_entmax(1.5f, 1), {1.5f, 1.0f});
  identity(fusion, make_fusion(1.25f, 7, 1), {1.25f, 7.0f, 1.0f});
  formats(make_entmax(1.75f, 1).get(), 1, {{F32, F32}, {F16, F16}});
  formats(make_fusion(1.75f, 2, 1).get(), 5,
          {{F32, F32, F32, F32, F32, F32, F32}, {F16, F16, F16, F32, F16, F32, F32}});
  entmax_shapes();
  fusion_shapes();
  CHECK(logger.messages.empty());
  std::printf("%d checks, %d failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
