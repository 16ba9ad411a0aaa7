// How the launchers cut a plane into blocks.
#pragma once

#include <cstdint>

namespace lrhdr {

constexpr int kThreads = 128;
// At least so many blocks in an SM: as many registers as a thread can have. Without the number
// ptxas trades spills for occupancy, which kernels with this many loads in flight do not need.
constexpr int kBlocks = 2;
constexpr int64_t kMaxBlocks = 1 << 20;  // the loops are strided, so any number is right

inline unsigned blocks_for(int64_t pixels, int pack) {
  const int64_t per_block = int64_t{kThreads} * pack;
  const int64_t blocks = (pixels + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < kMaxBlocks ? blocks : kMaxBlocks);
}

__device__ inline int64_t thread_index() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t thread_count() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

}  // namespace lrhdr
