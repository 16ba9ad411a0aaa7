#include "entmax_plugin.h"

#include <new>

#include "launch.h"

namespace lrhdr {

using nvinfer1::DataType;

std::vector<nvinfer1::PluginField> EntmaxPlugin::field_types() {
  return {{"alpha", nullptr, nvinfer1::PluginFieldType::kFLOAT32, 1},
          {"axis", nullptr, nvinfer1::PluginFieldType::kINT32, 1}};
}

EntmaxPlugin::EntmaxPlugin(const Fields& fields) : alpha_(checked_alpha(fields.number("alpha"))) {
  const int32_t axis = fields.integer("axis");
  if (axis != axis_) throw Refused("axis " + std::to_string(axis), "1, the candidates of NCHW");
}

nvinfer1::IPluginV3* EntmaxPlugin::clone() noexcept {
  return guarded<nvinfer1::IPluginV3*>(kName, nullptr, [&] { return new EntmaxPlugin(alpha_); });
}

void EntmaxPlugin::check(nvinfer1::Dims const* inputs, int32_t input_count,
                         int32_t output_count) const {
  if (input_count != 1 || output_count != 1) {
    throw Refused(
        std::to_string(input_count) + " inputs and " + std::to_string(output_count) + " outputs",
        "logits in, masks out");
  }
  check_logits(inputs[0]);
}

int32_t EntmaxPlugin::getOutputShapes(nvinfer1::DimsExprs const* in, int32_t inputs,
                                      nvinfer1::DimsExprs const*, int32_t, nvinfer1::DimsExprs* out,
                                      int32_t outputs, nvinfer1::IExprBuilder&) noexcept {
  return guarded(kName, 1, [&] {
    const nvinfer1::Dims dims = known(in[0]);
    check(&dims, inputs, outputs);
    out[0] = in[0];
    return 0;
  });
}

int32_t EntmaxPlugin::enqueue(nvinfer1::PluginTensorDesc const* in,
                              nvinfer1::PluginTensorDesc const*, void const* const* inputs,
                              void* const* outputs, void*, cudaStream_t stream) noexcept {
  const nvinfer1::Dims& d = in[0].dims;
  EntmaxProblem problem{};
  problem.logits = inputs[0];
  problem.masks = outputs[0];
  problem.pixels = plane(d);
  problem.batch = static_cast<int>(d.d[0]);
  problem.count = static_cast<int>(d.d[1]);
  problem.alpha = alpha_;
  problem.half = in[0].type == DataType::kHALF;
  return report(kName, launch_entmax(problem, stream));
}

nvinfer1::PluginFieldCollection const* EntmaxPlugin::getFieldsToSerialize() noexcept {
  return written_.get();
}

}  // namespace lrhdr
