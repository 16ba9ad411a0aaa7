// What stands in for TensorRT in contract.cpp: its logger, its expressions of sizes, and a count of
// what does not hold.
#pragma once

#include <NvInferRuntime.h>

#include <cstdio>
#include <initializer_list>
#include <list>
#include <string>
#include <vector>

inline int failures = 0, checks = 0;

#define CHECK(condition)                                                \
  do {                                                                  \
    ++checks;                                                           \
    if (!(condition)) {                                                 \
      ++failures;                                                       \
      std::printf("line %d does not hold: %s\n", __LINE__, #condition); \
    }                                                                   \
  } while (false)

// Keeps the errors that the plugins log.
class Logger final : public nvinfer1::ILogger, public nvinfer1::ILoggerFinder {
 public:
  void log(Severity severity, char const* message) noexcept override {
    if (severity == Severity::kERROR) messages.push_back(message);
  }
  nvinfer1::ILogger* findLogger() override { return this; }

  // Whether exactly one message came since the last call, and has each of the parts.
  bool said(std::initializer_list<const char*> parts) {
    bool found = messages.size() == 1;
    for (const char* part : parts) {
      found = found && messages[0].find(part) != std::string::npos;
    }
    if (!found) {
      for (const std::string& message : messages) std::printf("  logged: %s\n", message.c_str());
    }
    messages.clear();
    return found;
  }

  std::vector<std::string> messages;
};

// A size that is known (>= 0), or not (-1).
class Size final : public nvinfer1::IDimensionExpr, nvinfer1::apiv::VDimensionExpr {
 public:
  explicit Size(int64_t value) : value_(value) { mImpl = this; }
  bool isConstant() const override { return value_ >= 0; }
  int64_t getConstantValue() const override { return value_; }
  bool isSizeTensor() const override { return false; }

 private:
  int64_t value_;
};

class Sizes final : public nvinfer1::IExprBuilder, nvinfer1::apiv::VExprBuilder {
 public:
  Sizes() { mImpl = this; }
  nvinfer1::IDimensionExpr const* constant(int64_t value) override {
    return &made_.emplace_back(value);
  }
  nvinfer1::IDimensionExpr const* operation(nvinfer1::DimensionOperation,
                                            nvinfer1::IDimensionExpr const&,
                                            nvinfer1::IDimensionExpr const&) override {
    return nullptr;
  }
  nvinfer1::IDimensionExpr const* declareSizeTensor(int32_t, nvinfer1::IDimensionExpr const&,
                                                    nvinfer1::IDimensionExpr const&) override {
    return nullptr;
  }
  nvinfer1::DimsExprs shape(std::initializer_list<int64_t> sizes) {
    nvinfer1::DimsExprs dims{};
    for (int64_t size : sizes) dims.d[dims.nbDims++] = constant(size);
    return dims;
  }

 private:
  std::list<Size> made_;
};

inline nvinfer1::PluginTensorDesc tensor(nvinfer1::DataType type,
                                         std::initializer_list<int64_t> sizes) {
  nvinfer1::PluginTensorDesc desc{};
  desc.type = type;
  desc.format = nvinfer1::TensorFormat::kLINEAR;
  for (int64_t size : sizes) desc.dims.d[desc.dims.nbDims++] = size;
  return desc;
}

template <typename Interface>
Interface* capability(nvinfer1::IPluginV3* plugin, nvinfer1::PluginCapabilityType type) {
  return static_cast<Interface*>(plugin->getCapabilityInterface(type));
}
inline nvinfer1::IPluginV3OneBuild* build(nvinfer1::IPluginV3* plugin) {
  return capability<nvinfer1::IPluginV3OneBuild>(plugin, nvinfer1::PluginCapabilityType::kBUILD);
}
inline nvinfer1::IPluginV3OneRuntime* runtime(nvinfer1::IPluginV3* plugin) {
  return capability<nvinfer1::IPluginV3OneRuntime>(plugin,
                                                   nvinfer1::PluginCapabilityType::kRUNTIME);
}
