// The CUDA runtime and all launchers on the host, so that everything around the kernels can be
// run without a GPU. LRHDR_FAKE_FAULT names what goes wrong.
#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include "dispatch.h"
#include "frame.h"
#include "launch.h"
#include "loops.h"

namespace {

bool fault(const char* name) {
  const char* asked = std::getenv("LRHDR_FAKE_FAULT");
  return asked != nullptr && std::string(asked) == name;
}

using Clock = std::chrono::steady_clock;

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** block, size_t bytes) {
  if (fault("memory")) return cudaErrorMemoryAllocation;
  *block = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  return cudaSuccess;
}
cudaError_t cudaFree(void* block) {
  std::free(block);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* target, const void* source, size_t bytes, cudaMemcpyKind) {
  std::memcpy(target, source, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
  return cudaMemcpy(target, source, bytes, kind);
}
cudaError_t cudaMemset(void* target, int value, size_t bytes) {
  std::memset(target, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = reinterpret_cast<cudaEvent_t>(new Clock::time_point);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  *reinterpret_cast<Clock::time_point*>(event) = Clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Clock::time_point*>(event);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* taken, cudaEvent_t begin, cudaEvent_t end) {
  const auto passed =
      *reinterpret_cast<Clock::time_point*>(end) - *reinterpret_cast<Clock::time_point*>(begin);
  *taken = std::chrono::duration<float, std::milli>(passed).count();
  return cudaSuccess;
}
const char* cudaGetErrorString(cudaError_t status) {
  return status == cudaErrorMemoryAllocation ? "out of memory" : "invalid configuration argument";
}

}  // extern "C"

namespace lrhdr {

cudaError_t launch_entmax(const EntmaxProblem& problem, cudaStream_t) {
  if (fault("launch")) return cudaErrorInvalidConfiguration;
  specialise(problem, [&](auto form) {
    using F = decltype(form);
    using T = typename F::T;
    // A launcher that forgets all images but the first.
    const int64_t batch = fault("batch") ? 1 : problem.batch;
    for (int64_t image = 0; image < batch; ++image) {
      const int64_t offset = image * problem.count * problem.pixels;
      entmax_loop<T, F::N, F::V>(static_cast<const T*>(problem.logits) + offset,
                                 static_cast<T*>(problem.masks) + offset, problem.pixels,
                                 make_alpha(problem.alpha, problem.count), 0, 1);
    }
  });
  return cudaSuccess;
}

cudaError_t launch_fusion(const FusionProblem& problem, cudaStream_t) {
  FusionProblem given = problem;
  if (fault("alpha")) given.alpha += 1e-5f;
  if (fault("images")) given.images = 1;  // the others' Gamma and exposures are forgotten
  specialise(given, [&](auto form) {
    using F = decltype(form);
    fusion_loop<typename F::T, F::N, F::V>(given, make_alpha(given.alpha, given.count), 0, 1);
  });
  return cudaSuccess;
}

}  // namespace lrhdr

extern "C" {

int lrhdr_unpack(const void* codes, float* image, int height, int width, int padded_height,
                 int padded_width, int bits, cudaStream_t) {
  const lrhdr::FrameSize size{height, width, padded_height, padded_width};
  if (bits == 8) {
    lrhdr::unpack_loop(static_cast<const uint8_t*>(codes), image, size, 0, 1);
  } else {
    lrhdr::unpack_loop(static_cast<const uint16_t*>(codes), image, size, 0, 1);
  }
  if (fault("padding")) image[3 * size.plane() - 1] = 0.0f;
  return cudaSuccess;
}

int lrhdr_pack(const float* hdr, void* picture, double* statistics, int height, int width,
               int padded_height, int padded_width, float gain, int pq, double white_nits,
               cudaStream_t) {
  const lrhdr::FrameSize size{height, width, padded_height, padded_width};
  const lrhdr::Encoding encoding =
      lrhdr::make_encoding(gain, fault("white") ? 1.0005 * white_nits : white_nits);
  // A launch with more pixels than threads, of which each serves one.
  const int64_t step = fault("stride") && size.pixels() > 100000 ? 2 : 1;
  lrhdr::Seen seen{};
  if (pq != 0) {
    seen = lrhdr::pack_loop(hdr, static_cast<uint16_t*>(picture), size, encoding, 0, step);
  } else {
    seen = lrhdr::pack_loop(hdr, static_cast<float*>(picture), size, encoding, 0, step);
  }
  statistics[0] = seen.bad;
  statistics[1] = seen.greatest;
  // The blocks' sums without the last one's.
  const double missing = fault("sum") ? 0.999 : 1.0;
  statistics[2] = missing * seen.sum / static_cast<double>(size.pixels());
  return cudaSuccess;
}

}  // extern "C"
