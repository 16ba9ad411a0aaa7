#include "plugin_base.h"

#include <vector>

#include "entmax.h"

namespace lrhdr {

using nvinfer1::DataType;
using nvinfer1::Dims;

nvinfer1::IPluginCapability* PluginBase::getCapabilityInterface(
    nvinfer1::PluginCapabilityType type) noexcept {
  switch (type) {
    case nvinfer1::PluginCapabilityType::kCORE:
      return static_cast<nvinfer1::IPluginV3OneCore*>(this);
    case nvinfer1::PluginCapabilityType::kBUILD:
      return static_cast<nvinfer1::IPluginV3OneBuild*>(this);
    case nvinfer1::PluginCapabilityType::kRUNTIME:
      return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
  }
  return nullptr;
}

int32_t PluginBase::configurePlugin(nvinfer1::DynamicPluginTensorDesc const* in, int32_t inputs,
                                    nvinfer1::DynamicPluginTensorDesc const*,
                                    int32_t outputs) noexcept {
  return guarded(getPluginName(), 1, [&] {
    std::vector<Dims> dims;
    for (int32_t i = 0; i < inputs; ++i) dims.push_back(in[i].desc.dims);
    check(dims.data(), inputs, outputs);
    return 0;
  });
}

int32_t PluginBase::onShapeChange(nvinfer1::PluginTensorDesc const* in, int32_t inputs,
                                  nvinfer1::PluginTensorDesc const*, int32_t outputs) noexcept {
  return guarded(getPluginName(), 1, [&] {
    std::vector<Dims> dims;
    for (int32_t i = 0; i < inputs; ++i) dims.push_back(in[i].dims);
    check(dims.data(), inputs, outputs);
    return 0;
  });
}

bool PluginBase::supportsFormatCombination(int32_t position,
                                           nvinfer1::DynamicPluginTensorDesc const* in_out,
                                           int32_t inputs, int32_t) noexcept {
  const DataType logits = in_out[0].desc.type;
  const bool known = logits == DataType::kFLOAT || logits == DataType::kHALF;
  return known && in_out[position].desc.format == nvinfer1::TensorFormat::kLINEAR &&
         in_out[position].desc.type == type_of(position, inputs, logits);
}

int32_t PluginBase::getOutputDataTypes(DataType* types, int32_t outputs,
                                       DataType const* input_types, int32_t inputs) const noexcept {
  for (int32_t i = 0; i < outputs; ++i) types[i] = type_of(inputs + i, inputs, input_types[0]);
  return 0;
}

std::string to_string(Dims const& d) {
  std::string text = "(";
  for (int32_t i = 0; i < d.nbDims; ++i) text += (i > 0 ? ", " : "") + std::to_string(d.d[i]);
  return text + ")";
}

void check_logits(Dims const& d) {
  if (d.nbDims != 4 || d.d[1] < kMinCandidates || d.d[1] > kMaxCandidates) {
    throw Refused("logits of shape " + to_string(d), "(B, N, H, W) with N from " +
                                                         std::to_string(kMinCandidates) + " to " +
                                                         std::to_string(kMaxCandidates));
  }
}

nvinfer1::Dims known(nvinfer1::DimsExprs const& exprs) {
  Dims dims{};
  dims.nbDims = exprs.nbDims;
  for (int32_t i = 0; i < exprs.nbDims; ++i) {
    dims.d[i] = exprs.d[i]->isConstant() ? exprs.d[i]->getConstantValue() : -1;
  }
  return dims;
}

int32_t report(const char* plugin, cudaError_t error) noexcept {
  if (error == cudaSuccess) return 0;
  log_error(plugin, std::string("the kernel was not launched: ") + cudaGetErrorString(error));
  return 1;
}

}  // namespace lrhdr
