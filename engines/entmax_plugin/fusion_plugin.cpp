#include "fusion_plugin.h"

#include "launch.h"

namespace lrhdr {

using nvinfer1::DataType;
using nvinfer1::Dims;

namespace {

int32_t checked(const std::string& name, int32_t value, int32_t low, int32_t high) {
  if (value < low || value > high) {
    throw Refused(name + " " + std::to_string(value),
                  "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

// Sizes that are not known yet fit anything.
bool fits(const Dims& d, std::initializer_list<int64_t> want) {
  if (d.nbDims != static_cast<int32_t>(want.size())) return false;
  const int64_t* size = want.begin();
  for (int32_t i = 0; i < d.nbDims; ++i, ++size) {
    if (d.d[i] >= 0 && *size >= 0 && d.d[i] != *size) return false;
  }
  return true;
}

}  // namespace

std::vector<nvinfer1::PluginField> FusionPlugin::field_types() {
  return {{"alpha", nullptr, nvinfer1::PluginFieldType::kFLOAT32, 1},
          {"images", nullptr, nvinfer1::PluginFieldType::kINT32, 1},
          {"masks", nullptr, nvinfer1::PluginFieldType::kINT32, 1}};
}

FusionPlugin::FusionPlugin(const Fields& fields)
    : alpha_(checked_alpha(fields.number("alpha"))),
      images_(checked("images", fields.integer("images"), 1, kMaxCandidates)),
      masks_(checked("masks", fields.integer("masks", 0), 0, 1)) {}

nvinfer1::IPluginV3* FusionPlugin::clone() noexcept {
  return guarded<nvinfer1::IPluginV3*>(kName, nullptr,
                                       [&] { return new FusionPlugin(alpha_, images_, masks_); });
}

void FusionPlugin::check(Dims const* inputs, int32_t input_count, int32_t output_count) const {
  const int32_t count = input_count - 2;  // all but logits and exposures
  if (count < images_ || output_count != getNbOutputs()) {
    throw Refused(
        std::to_string(input_count) + " inputs and " + std::to_string(output_count) + " outputs",
        "logits, " + std::to_string(images_) + " images, exposures and any radiances in; " +
            std::to_string(getNbOutputs()) + " out");
  }
  const Dims& logits = inputs[0];
  check_logits(logits);
  if (!fits(logits, {1, count, -1, -1})) {
    throw Refused("logits of shape " + to_string(logits),
                  "(1, " + std::to_string(count) + ", H, W) for as many candidates");
  }
  for (int32_t i = 1; i < input_count; ++i) {
    const bool exposures = i == exposures_at();
    if (exposures ? fits(inputs[i], {images_})
                  : fits(inputs[i], {1, 3, logits.d[2], logits.d[3]})) {
      continue;
    }
    throw Refused("input " + std::to_string(i) + " of shape " + to_string(inputs[i]),
                  exposures ? "(" + std::to_string(images_) + ",), an exposure for each image"
                            : "(1, 3, H, W) as in logits of shape " + to_string(logits));
  }
}

DataType FusionPlugin::type_of(int32_t position, int32_t inputs, DataType logits) const noexcept {
  return position == exposures_at() || position >= inputs ? DataType::kFLOAT : logits;
}

int32_t FusionPlugin::getOutputShapes(nvinfer1::DimsExprs const* in, int32_t inputs,
                                      nvinfer1::DimsExprs const*, int32_t, nvinfer1::DimsExprs* out,
                                      int32_t outputs, nvinfer1::IExprBuilder& builder) noexcept {
  return guarded(kName, 1, [&] {
    std::vector<Dims> dims;
    for (int32_t i = 0; i < inputs; ++i) dims.push_back(known(in[i]));
    check(dims.data(), inputs, outputs);
    out[0] = in[0];
    out[0].d[1] = builder.constant(3);
    if (masks_ == 1) out[1] = in[0];
    return 0;
  });
}

int32_t FusionPlugin::enqueue(nvinfer1::PluginTensorDesc const* in,
                              nvinfer1::PluginTensorDesc const*, void const* const* inputs,
                              void* const* outputs, void*, cudaStream_t stream) noexcept {
  const Dims& d = in[0].dims;
  FusionProblem problem{};
  problem.logits = inputs[0];
  problem.count = static_cast<int>(d.d[1]);
  problem.images = images_;
  for (int i = 0; i < problem.count; ++i) {
    problem.candidates[i] = inputs[1 + i + (i >= images_)];  // past the exposures
  }
  problem.exposures = static_cast<const float*>(inputs[exposures_at()]);
  problem.hdr = static_cast<float*>(outputs[0]);
  problem.masks = masks_ == 1 ? static_cast<float*>(outputs[1]) : nullptr;
  problem.pixels = plane(d);
  problem.alpha = alpha_;
  problem.half = in[0].type == DataType::kHALF;
  return report(kName, launch_fusion(problem, stream));
}

nvinfer1::PluginFieldCollection const* FusionPlugin::getFieldsToSerialize() noexcept {
  return written_.get();
}

}  // namespace lrhdr
