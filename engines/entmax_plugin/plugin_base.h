// What both plugins share: identity, capabilities, the boundary where exceptions become messages.
#pragma once

#include <NvInferRuntime.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "fields.h"
#include "log.h"

namespace lrhdr {

constexpr const char* kNamespace = "lrhdr";
constexpr const char* kVersion = "1";

// Runs `body`, which returns T or throws; what it throws is logged and `failed` returned.
template <typename T, typename Body>
T guarded(const char* plugin, T failed, const Body& body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    log_error(plugin, error.what());
    return failed;
  }
}

class PluginBase : public nvinfer1::IPluginV3,
                   public nvinfer1::IPluginV3OneCore,
                   public nvinfer1::IPluginV3OneBuild,
                   public nvinfer1::IPluginV3OneRuntime {
 public:
  nvinfer1::IPluginCapability* getCapabilityInterface(
      nvinfer1::PluginCapabilityType type) noexcept override;
  nvinfer1::AsciiChar const* getPluginVersion() const noexcept override { return kVersion; }
  nvinfer1::AsciiChar const* getPluginNamespace() const noexcept override { return kNamespace; }

  int32_t configurePlugin(nvinfer1::DynamicPluginTensorDesc const* in, int32_t inputs,
                          nvinfer1::DynamicPluginTensorDesc const* out,
                          int32_t outputs) noexcept override;
  bool supportsFormatCombination(int32_t position, nvinfer1::DynamicPluginTensorDesc const* in_out,
                                 int32_t inputs, int32_t outputs) noexcept override;
  int32_t getOutputDataTypes(nvinfer1::DataType* types, int32_t outputs,
                             nvinfer1::DataType const* input_types,
                             int32_t inputs) const noexcept override;
  int32_t onShapeChange(nvinfer1::PluginTensorDesc const* in, int32_t inputs,
                        nvinfer1::PluginTensorDesc const* out, int32_t outputs) noexcept override;

  // The plugin keeps nothing of a context: each gets a copy of the attributes.
  nvinfer1::IPluginV3* attachToContext(nvinfer1::IPluginResourceContext*) noexcept override {
    return clone();
  }

 protected:
  // Throw Refused where the counts or the sizes do not fit; -1 is a size not known yet.
  virtual void check(nvinfer1::Dims const* inputs, int32_t input_count,
                     int32_t output_count) const = 0;
  // The type of tensor `position` (inputs, then outputs) where logits have type `logits`.
  virtual nvinfer1::DataType type_of(int32_t position, int32_t inputs,
                                     nvinfer1::DataType logits) const noexcept = 0;
};

// The number of pixels of a plane of (B, C, H, W).
inline int64_t plane(nvinfer1::Dims const& d) { return int64_t{d.d[2]} * d.d[3]; }

// Throws Refused unless `d` is (.., count, .., ..) with `count` candidates in range.
void check_logits(nvinfer1::Dims const& d);
std::string to_string(nvinfer1::Dims const& d);

// The sizes while building, -1 where one is not a constant.
nvinfer1::Dims known(nvinfer1::DimsExprs const& exprs);

// 0, or 1 after logging what CUDA says.
int32_t report(const char* plugin, cudaError_t error) noexcept;

}  // namespace lrhdr
