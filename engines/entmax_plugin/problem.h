// What the two operators are asked to do: pointers, sizes and numbers. No TensorRT, no CUDA.
#pragma once

#include <cstdint>

#include "entmax.h"

namespace lrhdr {

// masks = entmax(logits) over the planes of each image: (batch, count, pixels).
struct EntmaxProblem {
  const void* logits;
  void* masks;
  int64_t pixels;  // of a plane: H W
  int batch;
  int count;  // N
  float alpha;
  bool half;  // FP16 in and out; else FP32
};

// hdr = sum_i M_i H_i with M = entmax(logits), H_i = max(0, image_i)^2.2 / exposure_i for the
// first `images` candidates (gamma space) and the candidate itself for the others (radiance).
struct FusionProblem {
  const void* logits;                      // (count, pixels)
  const void* candidates[kMaxCandidates];  // `count` of them, (3, pixels) each
  const float* exposures;                  // (images,)
  float* hdr;                              // (3, pixels)
  float* masks;                            // (count, pixels), or null
  int64_t pixels;                          // of a plane: H W
  int count;                               // N
  int images;                              // K
  float alpha;
  bool half;  // logits and candidates are FP16; the outputs never are
};

// Whether every plane of the problem starts on 16 bytes, `pack` pixels being 16 bytes of input.
inline bool wide(const EntmaxProblem& problem, int pack) {
  const auto bits =
      reinterpret_cast<uintptr_t>(problem.logits) | reinterpret_cast<uintptr_t>(problem.masks);
  return problem.pixels % pack == 0 && bits % 16 == 0;
}

inline bool wide(const FusionProblem& problem, int pack) {
  auto bits = reinterpret_cast<uintptr_t>(problem.logits) |
              reinterpret_cast<uintptr_t>(problem.hdr) | reinterpret_cast<uintptr_t>(problem.masks);
  for (int i = 0; i < problem.count; ++i)
    bits |= reinterpret_cast<uintptr_t>(problem.candidates[i]);
  return problem.pixels % pack == 0 && bits % 16 == 0;
}

}  // namespace lrhdr
