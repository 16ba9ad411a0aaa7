#include "dispatch.h"
#include "grid.cuh"
#include "launch.h"
#include "loops.h"

namespace lrhdr {
namespace {

template <typename T, int N, int V>
__global__ void __launch_bounds__(kThreads, kBlocks)
    fusion_kernel(FusionProblem problem, Alpha alpha) {
  fusion_loop<T, N, V>(problem, alpha, thread_index(), thread_count());
}

}  // namespace

cudaError_t launch_fusion(const FusionProblem& problem, cudaStream_t stream) {
  if (problem.pixels == 0) return cudaSuccess;  // a grid may not be empty
  const Alpha alpha = make_alpha(problem.alpha, problem.count);
  specialise(problem, [&](auto form) {
    using F = decltype(form);
    fusion_kernel<typename F::T, F::N, F::V>
        <<<blocks_for(problem.pixels, F::V), kThreads, 0, stream>>>(problem, alpha);
  });
  return cudaGetLastError();
}

}  // namespace lrhdr
