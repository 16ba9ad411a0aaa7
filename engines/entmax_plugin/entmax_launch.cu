#include "dispatch.h"
#include "grid.cuh"
#include "launch.h"
#include "loops.h"

namespace lrhdr {
namespace {

template <typename T, int N, int V>
__global__ void __launch_bounds__(kThreads, kBlocks)
    entmax_kernel(const T* logits, T* masks, int64_t pixels, Alpha alpha) {
  const int64_t image = static_cast<int64_t>(blockIdx.y) * N * pixels;
  entmax_loop<T, N, V>(logits + image, masks + image, pixels, alpha, thread_index(),
                       thread_count());
}

}  // namespace

cudaError_t launch_entmax(const EntmaxProblem& problem, cudaStream_t stream) {
  if (problem.pixels == 0 || problem.batch == 0) return cudaSuccess;  // a grid may not be empty
  const Alpha alpha = make_alpha(problem.alpha, problem.count);
  specialise(problem, [&](auto form) {
    using F = decltype(form);
    using T = typename F::T;
    const dim3 grid(blocks_for(problem.pixels, F::V), problem.batch);
    entmax_kernel<T, F::N, F::V>
        <<<grid, kThreads, 0, stream>>>(static_cast<const T*>(problem.logits),
                                        static_cast<T*>(problem.masks), problem.pixels, alpha);
  });
  return cudaGetLastError();
}

}  // namespace lrhdr
