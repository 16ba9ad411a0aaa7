// The library's two exported functions, by which TensorRT finds the plugins.
#include "entmax_plugin.h"
#include "fusion_plugin.h"

namespace lrhdr {
namespace {

template <typename P>
class Creator final : public nvinfer1::IPluginCreatorV3One {
 public:
  // Building and loading are one: an engine holds the same attributes as the node.
  nvinfer1::IPluginV3* createPlugin(nvinfer1::AsciiChar const*,
                                    nvinfer1::PluginFieldCollection const* fields,
                                    nvinfer1::TensorRTPhase) noexcept override {
    return guarded<nvinfer1::IPluginV3*>(P::kName, nullptr, [&] { return new P(Fields(fields)); });
  }
  nvinfer1::PluginFieldCollection const* getFieldNames() noexcept override { return fields_.get(); }
  nvinfer1::AsciiChar const* getPluginName() const noexcept override { return P::kName; }
  nvinfer1::AsciiChar const* getPluginVersion() const noexcept override { return kVersion; }
  nvinfer1::AsciiChar const* getPluginNamespace() const noexcept override { return kNamespace; }

 private:
  FieldList fields_{P::field_types()};
};

}  // namespace
}  // namespace lrhdr

#define LRHDR_EXPORT extern "C" __attribute__((visibility("default")))

LRHDR_EXPORT nvinfer1::IPluginCreatorInterface* const* getCreators(int32_t& count) {
  static lrhdr::Creator<lrhdr::EntmaxPlugin> entmax;
  static lrhdr::Creator<lrhdr::FusionPlugin> fusion;
  static nvinfer1::IPluginCreatorInterface* const creators[] = {&entmax, &fusion};
  count = 2;
  return creators;
}

LRHDR_EXPORT void setLoggerFinder(nvinfer1::ILoggerFinder* finder) {
  lrhdr::set_logger_finder(finder);
}
