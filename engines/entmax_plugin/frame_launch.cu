// The two frame kernels and the plain C by which Python starts them: see `Programs.unpack` and
// `Programs.pack` of lrhdr_engines/device/protocol.py. Everything is enqueued on `stream`, nothing
// waits or allocates, so all of it can be captured. A cudaError_t says whether it was accepted.
#include <algorithm>

#include "frame.h"
#include "grid.cuh"

#define LRHDR_EXPORT extern "C" __attribute__((visibility("default")))

namespace lrhdr {
namespace {

// Enough to fill every SM; each block costs three atomics on the same three numbers.
constexpr unsigned kPackBlocks = 1024;

template <typename Code>
__global__ void __launch_bounds__(kThreads)
    unpack_kernel(const Code* codes, float* image, FrameSize size) {
  unpack_loop(codes, image, size, thread_index(), thread_count());
}

template <typename Code>
void unpack(const void* codes, float* image, const FrameSize& size, cudaStream_t stream) {
  unpack_kernel<<<blocks_for(size.plane(), 1), kThreads, 0, stream>>>(
      static_cast<const Code*>(codes), image, size);
}

// What all threads of the block have seen; right in thread 0. Every thread must come here.
__device__ Seen block_sum(Seen seen) {
  constexpr int kWarp = 32, kWarps = kThreads / kWarp;
  for (int step = kWarp / 2; step > 0; step /= 2) {
    seen.add({__shfl_down_sync(~0u, seen.bad, step), __shfl_down_sync(~0u, seen.greatest, step),
              __shfl_down_sync(~0u, seen.sum, step)});
  }
  __shared__ Seen warps[kWarps];
  if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = seen;
  __syncthreads();
  for (int warp = 1; threadIdx.x == 0 && warp < kWarps; ++warp) seen.add(warps[warp]);
  return seen;
}

template <typename Value>
__global__ void __launch_bounds__(kThreads)
    pack_kernel(const float* hdr, Value* picture, double* statistics, FrameSize size,
                Encoding encoding) {
  const Seen seen =
      block_sum(pack_loop(hdr, picture, size, encoding, thread_index(), thread_count()));
  if (threadIdx.x != 0) return;
  if (seen.bad != 0) atomicAdd(statistics, static_cast<double>(seen.bad));
  if constexpr (!std::is_same_v<Value, float>) {
    // Doubles of one sign are ordered as their bits are.
    atomicMax(reinterpret_cast<unsigned long long*>(statistics + 1),
              static_cast<unsigned long long>(__double_as_longlong(seen.greatest)));
    atomicAdd(statistics + 2, seen.sum / static_cast<double>(size.pixels()));
  }
}

template <typename Value>
void pack(const float* hdr, void* picture, double* statistics, const FrameSize& size,
          const Encoding& encoding, cudaStream_t stream) {
  const unsigned blocks = std::min(blocks_for(size.pixels(), 1), kPackBlocks);
  pack_kernel<<<blocks, kThreads, 0, stream>>>(hdr, static_cast<Value*>(picture), statistics, size,
                                               encoding);
}

}  // namespace
}  // namespace lrhdr

// `codes` are (height, width, 3) of `bits` 8 or 16, `image` is (3, padded_height, padded_width).
LRHDR_EXPORT int lrhdr_unpack(const void* codes, float* image, int height, int width,
                              int padded_height, int padded_width, int bits, cudaStream_t stream) {
  const lrhdr::FrameSize size{height, width, padded_height, padded_width};
  if (!size.sound() || (bits != 8 && bits != 16)) return cudaErrorInvalidValue;
  const auto launch = bits == 8 ? lrhdr::unpack<uint8_t> : lrhdr::unpack<uint16_t>;
  launch(codes, image, size, stream);
  return cudaGetLastError();
}

// `hdr` is (3, padded_height, padded_width), `picture` (height, width, 3): of uint16_t if `pq`,
// else of float, and then white_nits is not used. `statistics` is (3,).
LRHDR_EXPORT int lrhdr_pack(const float* hdr, void* picture, double* statistics, int height,
                            int width, int padded_height, int padded_width, float gain, int pq,
                            double white_nits, cudaStream_t stream) {
  const lrhdr::FrameSize size{height, width, padded_height, padded_width};
  if (!size.sound()) return cudaErrorInvalidValue;
  const cudaError_t zeroed = cudaMemsetAsync(statistics, 0, 3 * sizeof(double), stream);
  if (zeroed != cudaSuccess) return zeroed;
  const auto launch = pq != 0 ? lrhdr::pack<uint16_t> : lrhdr::pack<float>;
  launch(hdr, picture, statistics, size, lrhdr::make_encoding(gain, white_nits), stream);
  return cudaGetLastError();
}

// What a result of the other two means. CUDA's runtime is hidden in this library.
LRHDR_EXPORT const char* lrhdr_error_text(int code) {
  return cudaGetErrorString(static_cast<cudaError_t>(code));
}
