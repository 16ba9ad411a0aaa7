// The pixel loops of both operators. A thread (or the host, with start 0 and stride 1) serves V
// neighbouring pixels a turn and holds all of their logits and masks in registers. V is 1, right
// for every size and pointer, or kWide<T>, where every plane starts on 16 bytes: then pixels is a
// multiple of V, and there is no tail.
#pragma once

#include "entmax.h"
#include "pack.h"
#include "problem.h"

namespace lrhdr {

// max(0, x)^2.2 as x^2 x^0.2: the small exponent keeps the error of log2 small.
LRHDR_HD inline float gamma_to_linear(float x) {
  const float v = positive(x);
  return v * v * exp2_of(0.2f * log2_of(v));
}

// Masks from logits, in place. The pixels take turns in column 0, so that the iteration's code
// stands there once and not V times; after V turns each is back in its place.
template <int N, int V>
LRHDR_HD inline void solve(float (&planes)[N][V], const Alpha& alpha) {
  LRHDR_NO_UNROLL
  for (int turn = 0; turn < V; ++turn) {
    float z[N];
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) z[i] = planes[i][0];
    entmax(z, alpha);
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) {
      LRHDR_UNROLL
      for (int j = 1; j < V; ++j) planes[i][j - 1] = planes[i][j];
      planes[i][V - 1] = z[i];
    }
  }
}

// One image of the batch: `logits` and `masks` are (N, pixels).
template <typename T, int N, int V>
LRHDR_HD inline void entmax_loop(const T* logits, T* masks, int64_t pixels, const Alpha& alpha,
                                 int64_t start, int64_t stride) {
  for (int64_t first = start * V; first < pixels; first += stride * V) {
    float planes[N][V];
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) load(logits + i * pixels + first, planes[i]);
    solve(planes, alpha);
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) store(planes[i], masks + i * pixels + first);
  }
}

template <typename T, int N, int V>
LRHDR_HD inline void fusion_loop(const FusionProblem& problem, const Alpha& alpha, int64_t start,
                                 int64_t stride) {
  const int64_t pixels = problem.pixels;
  const T* logits = static_cast<const T*>(problem.logits);
  for (int64_t first = start * V; first < pixels; first += stride * V) {
    float weights[N][V];
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) load(logits + i * pixels + first, weights[i]);
    solve(weights, alpha);
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) {
      if (problem.masks != nullptr) store(weights[i], problem.masks + i * pixels + first);
      const float scale = i < problem.images ? 1.0f / problem.exposures[i] : 1.0f;
      LRHDR_UNROLL
      for (int j = 0; j < V; ++j) weights[i][j] *= scale;
    }
    LRHDR_NO_UNROLL
    for (int channel = 0; channel < 3; ++channel) {
      const int64_t offset = channel * pixels + first;
      float sum[V] = {};
      LRHDR_UNROLL
      for (int i = 0; i < N; ++i) {
        float light[V];
        load(static_cast<const T*>(problem.candidates[i]) + offset, light);
        LRHDR_UNROLL
        for (int j = 0; j < V; ++j) {
          sum[j] += weights[i][j] * (i < problem.images ? gamma_to_linear(light[j]) : light[j]);
        }
      }
      store(sum, problem.hdr + offset);
    }
  }
}

}  // namespace lrhdr
