#include "log.h"

#include <atomic>
#include <cstdio>

namespace lrhdr {
namespace {
std::atomic<nvinfer1::ILoggerFinder*> finder_in_use{nullptr};
}  // namespace

void set_logger_finder(nvinfer1::ILoggerFinder* finder) noexcept { finder_in_use = finder; }

void log_error(const char* plugin, const std::string& message) noexcept try {
  const std::string line = std::string("lrhdr::") + plugin + ": " + message;
  nvinfer1::ILoggerFinder* finder = finder_in_use;
  nvinfer1::ILogger* logger = finder != nullptr ? finder->findLogger() : nullptr;
  if (logger != nullptr) {
    logger->log(nvinfer1::ILogger::Severity::kERROR, line.c_str());
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
} catch (...) {  // out of memory: the caller still returns its failure
}

}  // namespace lrhdr
