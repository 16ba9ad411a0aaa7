// The node lrhdr::EntmaxFusion: logits, K images, their exposures and A radiances to one HDR frame.
#pragma once

#include "plugin_base.h"

namespace lrhdr {

// Inputs: logits (1, N, H, W), K images (1, 3, H, W) in gamma space, exposures (K,), and A = N - K
// radiances (1, 3, H, W). Outputs: hdr (1, 3, H, W) and, on request, masks (1, N, H, W), in FP32.
class FusionPlugin final : public PluginBase {
 public:
  static constexpr const char* kName = "EntmaxFusion";
  static std::vector<nvinfer1::PluginField> field_types();

  explicit FusionPlugin(const Fields& fields);
  FusionPlugin(float alpha, int32_t images, int32_t masks) noexcept
      : alpha_(alpha), images_(images), masks_(masks) {}

  nvinfer1::AsciiChar const* getPluginName() const noexcept override { return kName; }
  nvinfer1::IPluginV3* clone() noexcept override;
  int32_t getNbOutputs() const noexcept override { return 1 + masks_; }
  int32_t getOutputShapes(nvinfer1::DimsExprs const* in, int32_t inputs, nvinfer1::DimsExprs const*,
                          int32_t, nvinfer1::DimsExprs* out, int32_t outputs,
                          nvinfer1::IExprBuilder& builder) noexcept override;
  int32_t enqueue(nvinfer1::PluginTensorDesc const* in, nvinfer1::PluginTensorDesc const* out,
                  void const* const* inputs, void* const* outputs, void* workspace,
                  cudaStream_t stream) noexcept override;
  nvinfer1::PluginFieldCollection const* getFieldsToSerialize() noexcept override;

 protected:
  void check(nvinfer1::Dims const* inputs, int32_t input_count,
             int32_t output_count) const override;
  nvinfer1::DataType type_of(int32_t position, int32_t inputs,
                             nvinfer1::DataType logits) const noexcept override;

 private:
  int32_t exposures_at() const noexcept { return 1 + images_; }

  float alpha_;
  int32_t images_;
  int32_t masks_;
  FieldList written_{{{"alpha", &alpha_, nvinfer1::PluginFieldType::kFLOAT32, 1},
                      {"images", &images_, nvinfer1::PluginFieldType::kINT32, 1},
                      {"masks", &masks_, nvinfer1::PluginFieldType::kINT32, 1}}};
};

}  // namespace lrhdr
