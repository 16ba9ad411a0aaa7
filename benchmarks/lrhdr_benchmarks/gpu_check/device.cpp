// All launchers behind plain C with host memory, for the sanitizer, the comparison with float64 and
// the timing.
// Not run on a GPU. Device memory is allocated to the byte, so that compute-sanitizer sees every
// access beyond a plane; `shift` elements before it take the pointers off 16 bytes.
#include <cuda_runtime_api.h>

#include <vector>

#include "launch.h"

namespace {

void note(cudaError_t& first, cudaError_t status) {
  if (first == cudaSuccess) first = status;
}

// What was allocated, freed at the end of a call.
class Arena {
 public:
  explicit Arena(cudaError_t& status) : status_(status) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (void* block : blocks_) note(status_, cudaFree(block));
  }

  char* take(size_t bytes, size_t before = 0) {
    void* block = nullptr;
    note(status_, cudaMalloc(&block, bytes + before));
    if (block == nullptr) return nullptr;
    blocks_.push_back(block);
    return static_cast<char*>(block) + before;
  }

  char* upload(const void* source, size_t bytes, size_t before = 0) {
    char* target = take(bytes, before);
    if (target != nullptr) note(status_, cudaMemcpy(target, source, bytes, cudaMemcpyHostToDevice));
    return target;
  }

 private:
  cudaError_t& status_;
  std::vector<void*> blocks_;
};

const char* words(cudaError_t status) {
  return status == cudaSuccess ? nullptr : cudaGetErrorString(status);
}

}  // namespace

#define LRHDR_EXPORT extern "C" __attribute__((visibility("default")))

// (batch, count, pixels) logits to masks, FP16 if `half`. Null, or what CUDA says is wrong.
LRHDR_EXPORT const char* lrhdr_check_entmax(const void* logits, void* masks, int64_t pixels,
                                            int batch, int count, float alpha, int half,
                                            int shift) {
  cudaError_t status = cudaSuccess;
  {
    Arena arena(status);
    const size_t size = half != 0 ? 2 : 4, bytes = size * batch * count * pixels;
    const char* given = arena.upload(logits, bytes, size * shift);
    char* found = arena.take(bytes, size * shift);
    if (status == cudaSuccess) {
      note(status,
           lrhdr::launch_entmax({given, found, pixels, batch, count, alpha, half != 0}, nullptr));
      note(status, cudaMemcpy(masks, found, bytes, cudaMemcpyDeviceToHost));
    }
  }
  return words(status);
}

// (count, pixels) logits and candidates (count, 3, pixels) to hdr (3, pixels) and, unless null,
// masks (count, pixels); `exposures` for the first `images` candidates.
LRHDR_EXPORT const char* lrhdr_check_fusion(const void* logits, const void* candidates,
                                            const float* exposures, float* hdr, float* masks,
                                            int64_t pixels, int count, int images, float alpha,
                                            int half, int shift) {
  cudaError_t status = cudaSuccess;
  {
    Arena arena(status);
    const size_t size = half != 0 ? 2 : 4, plane = size * pixels, before = size * shift;
    lrhdr::FusionProblem problem{};
    problem.logits = arena.upload(logits, count * plane, before);
    for (int i = 0; i < count; ++i) {
      problem.candidates[i] =
          arena.upload(static_cast<const char*>(candidates) + 3 * i * plane, 3 * plane, before);
    }
    problem.exposures = reinterpret_cast<float*>(arena.upload(exposures, sizeof(float) * images));
    const size_t light = sizeof(float) * 3 * pixels, share = sizeof(float) * count * pixels;
    problem.hdr = reinterpret_cast<float*>(arena.take(light, sizeof(float) * shift));
    if (masks != nullptr)
      problem.masks = reinterpret_cast<float*>(arena.take(share, sizeof(float) * shift));
    problem.pixels = pixels;
    problem.count = count;
    problem.images = images;
    problem.alpha = alpha;
    problem.half = half != 0;
    if (status == cudaSuccess) {
      note(status, lrhdr::launch_fusion(problem, nullptr));
      note(status, cudaMemcpy(hdr, problem.hdr, light, cudaMemcpyDeviceToHost));
      if (masks != nullptr)
        note(status, cudaMemcpy(masks, problem.masks, share, cudaMemcpyDeviceToHost));
    }
  }
  return words(status);
}

// See frame_launch.cu, where both are.
extern "C" int lrhdr_unpack(const void* codes, float* image, int height, int width,
                            int padded_height, int padded_width, int bits, cudaStream_t stream);
extern "C" int lrhdr_pack(const float* hdr, void* picture, double* statistics, int height,
                          int width, int padded_height, int padded_width, float gain, int pq,
                          double white_nits, cudaStream_t stream);

// (height, width, 3) codes of `bits` to an image (3, padded_height, padded_width).
LRHDR_EXPORT const char* lrhdr_check_unpack(const void* codes, float* image, int height, int width,
                                            int padded_height, int padded_width, int bits) {
  cudaError_t status = cudaSuccess;
  {
    Arena arena(status);
    const size_t values = size_t{3} * height * width;
    const size_t bytes = sizeof(float) * 3 * padded_height * padded_width;
    const char* given = arena.upload(codes, values * bits / 8);
    auto* found = reinterpret_cast<float*>(arena.take(bytes));
    if (status == cudaSuccess) {
      note(status, static_cast<cudaError_t>(lrhdr_unpack(given, found, height, width, padded_height,
                                                         padded_width, bits, nullptr)));
      note(status, cudaMemcpy(image, found, bytes, cudaMemcpyDeviceToHost));
    }
  }
  return words(status);
}

// Planes (3, padded_height, padded_width) to a picture (height, width, 3), of uint16_t if `pq`, and
// its statistics (3,).
LRHDR_EXPORT const char* lrhdr_check_pack(const float* hdr, void* picture, double* statistics,
                                          int height, int width, int padded_height,
                                          int padded_width, float gain, int pq, double white_nits) {
  cudaError_t status = cudaSuccess;
  {
    Arena arena(status);
    const size_t seen = 3 * sizeof(double), planes = sizeof(float) * 3;
    const size_t bytes = (pq != 0 ? sizeof(uint16_t) : sizeof(float)) * 3 * height * width;
    const char* given = arena.upload(hdr, planes * padded_height * padded_width);
    char* found = arena.take(bytes);
    auto* counted = reinterpret_cast<double*>(arena.take(seen));
    if (status == cudaSuccess) {
      note(status, static_cast<cudaError_t>(lrhdr_pack(
                       reinterpret_cast<const float*>(given), found, counted, height, width,
                       padded_height, padded_width, gain, pq, white_nits, nullptr)));
      note(status, cudaMemcpy(picture, found, bytes, cudaMemcpyDeviceToHost));
      note(status, cudaMemcpy(statistics, counted, seen, cudaMemcpyDeviceToHost));
    }
  }
  return words(status);
}

// Milliseconds of one run of each, for every round in turn: (rounds, 3) of a device-to-device copy
// of `count` planes, Entmax of as many, and EntmaxFusion without masks. The first round warms up
// and is not kept.
LRHDR_EXPORT const char* lrhdr_check_times(int64_t pixels, int count, int images, float alpha,
                                           int half, int rounds, float* milliseconds) {
  constexpr int kWhat = 3, kRepeats = 4;
  constexpr int kPattern = 0x3c;  // of every byte: 0.0115 in FP32, 1.06 in FP16
  cudaError_t status = cudaSuccess;
  {
    Arena arena(status);
    const size_t size = half != 0 ? 2 : 4, bytes = size * count * pixels;
    const std::vector<float> ones(images, 1.0f);
    char* logits = arena.take(bytes);
    char* masks = arena.take(bytes);
    lrhdr::FusionProblem fusion{};
    fusion.logits = logits;
    for (int i = 0; i < count; ++i) fusion.candidates[i] = arena.take(3 * size * pixels);
    fusion.exposures = reinterpret_cast<float*>(arena.upload(ones.data(), sizeof(float) * images));
    fusion.hdr = reinterpret_cast<float*>(arena.take(sizeof(float) * 3 * pixels));
    fusion.pixels = pixels;
    fusion.count = count;
    fusion.images = images;
    fusion.alpha = alpha;
    fusion.half = half != 0;
    if (status == cudaSuccess) {
      note(status, cudaMemset(logits, kPattern, bytes));
      for (int i = 0; i < count; ++i) {
        note(status,
             cudaMemset(const_cast<void*>(fusion.candidates[i]), kPattern, 3 * size * pixels));
      }
    }
    const lrhdr::EntmaxProblem entmax{logits, masks, pixels, 1, count, alpha, half != 0};
    cudaEvent_t begin = nullptr, end = nullptr;
    note(status, cudaEventCreate(&begin));
    note(status, cudaEventCreate(&end));
    for (int round = -1; round < rounds && status == cudaSuccess; ++round) {
      for (int what = 0; what < kWhat; ++what) {
        note(status, cudaEventRecord(begin, nullptr));
        for (int repeat = 0; repeat < kRepeats; ++repeat) {
          if (what == 0) {
            note(status, cudaMemcpyAsync(masks, logits, bytes, cudaMemcpyDeviceToDevice, nullptr));
          } else {
            note(status, what == 1 ? lrhdr::launch_entmax(entmax, nullptr)
                                   : lrhdr::launch_fusion(fusion, nullptr));
          }
        }
        note(status, cudaEventRecord(end, nullptr));
        note(status, cudaEventSynchronize(end));
        float taken = 0.0f;
        note(status, cudaEventElapsedTime(&taken, begin, end));
        if (round >= 0) milliseconds[kWhat * round + what] = taken / kRepeats;
      }
    }
    if (begin != nullptr) cudaEventDestroy(begin);
    if (end != nullptr) cudaEventDestroy(end);
  }
  return words(status);
}
