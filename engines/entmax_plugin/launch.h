// The launchers: pointers, sizes and a stream. No TensorRT.
#pragma once

#include <cuda_runtime_api.h>

#include "problem.h"

namespace lrhdr {

// Enqueue on `stream`; the result says whether the launch was accepted. Nothing waits.
cudaError_t launch_entmax(const EntmaxProblem& problem, cudaStream_t stream);
cudaError_t launch_fusion(const FusionProblem& problem, cudaStream_t stream);

}  // namespace lrhdr
