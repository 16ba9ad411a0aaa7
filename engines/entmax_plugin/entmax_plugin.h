// The node lrhdr::Entmax: logits (B, N, H, W) to masks of the same shape and type.
#pragma once

#include "plugin_base.h"

namespace lrhdr {

class EntmaxPlugin final : public PluginBase {
 public:
  static constexpr const char* kName = "Entmax";
  static std::vector<nvinfer1::PluginField> field_types();

  explicit EntmaxPlugin(const Fields& fields);
  explicit EntmaxPlugin(float alpha) noexcept : alpha_(alpha) {}

  nvinfer1::AsciiChar const* getPluginName() const noexcept override { return kName; }
  nvinfer1::IPluginV3* clone() noexcept override;
  int32_t getNbOutputs() const noexcept override { return 1; }
  int32_t getOutputShapes(nvinfer1::DimsExprs const* in, int32_t inputs, nvinfer1::DimsExprs const*,
                          int32_t, nvinfer1::DimsExprs* out, int32_t outputs,
                          nvinfer1::IExprBuilder&) noexcept override;
  int32_t enqueue(nvinfer1::PluginTensorDesc const* in, nvinfer1::PluginTensorDesc const* out,
                  void const* const* inputs, void* const* outputs, void* workspace,
                  cudaStream_t stream) noexcept override;
  nvinfer1::PluginFieldCollection const* getFieldsToSerialize() noexcept override;

 protected:
  void check(nvinfer1::Dims const* inputs, int32_t input_count,
             int32_t output_count) const override;
  nvinfer1::DataType type_of(int32_t, int32_t, nvinfer1::DataType logits) const noexcept override {
    return logits;
  }

 private:
  float alpha_;
  int32_t axis_ = 1;
  FieldList written_{{{"alpha", &alpha_, nvinfer1::PluginFieldType::kFLOAT32, 1},
                      {"axis", &axis_, nvinfer1::PluginFieldType::kINT32, 1}}};
};

}  // namespace lrhdr
