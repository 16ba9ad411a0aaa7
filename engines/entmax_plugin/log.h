// Where the plugins' messages go: TensorRT's logger once it has been set, else stderr.
#pragma once

#include <NvInferRuntime.h>

#include <string>

namespace lrhdr {

void set_logger_finder(nvinfer1::ILoggerFinder* finder) noexcept;
void log_error(const char* plugin, const std::string& message) noexcept;

}  // namespace lrhdr
