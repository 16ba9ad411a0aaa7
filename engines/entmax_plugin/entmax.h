// alpha-entmax of N logits in registers: p_i = max(0, x_i - tau)^(1/(alpha-1)), sum p = 1,
// x = (alpha - 1)(z - max z). Newton's step from tau = -1 rises to the root and never overshoots
// (lrhdr/model/entmax.py says why). FP32, and the same source for host and device.
#pragma once

#include <cmath>

#include "host_device.h"

namespace lrhdr {

constexpr int kMinCandidates = 2;
constexpr int kMaxCandidates = 16;

// The forms of v^(power - 1): v at alpha 1.5, 1 at alpha 2, else exp2(exponent log2(v)). That is
// also the fast form of alpha 1.75: three instructions, where cbrtf takes some twenty.
enum class Slope { kLinear, kStep, kPower };

// What the iteration needs of alpha, computed once on the host.
struct Alpha {
  float gain;      // alpha - 1
  float power;     // 1 / (alpha - 1)
  float exponent;  // power - 1
  Slope slope;
  int steps;
};

// Five steps leave an error below 1e-9 for alpha >= 1.5 and N <= 10; eight, below 1e-12 always.
inline Alpha make_alpha(float alpha, int candidates) {
  const double gain = static_cast<double>(alpha) - 1.0;
  const Slope slope = alpha == 1.5f ? Slope::kLinear : alpha == 2.0f ? Slope::kStep : Slope::kPower;
  return {static_cast<float>(gain), static_cast<float>(1.0 / gain),
          static_cast<float>(1.0 / gain - 1.0), slope, alpha >= 1.5f && candidates <= 10 ? 5 : 8};
}

// max(0, u) that lets NaN through, as the reference does: fmaxf would turn it into black.
LRHDR_HD inline float positive(float u) { return u < 0.0f ? 0.0f : u; }

// v^(power - 1) for v >= 0. At alpha = 2 the exponent is 0, and 0^0 must count as 0.
template <Slope S>
LRHDR_HD inline float slope_of(float v, float exponent) {
  if constexpr (S == Slope::kLinear) return v;
  if constexpr (S == Slope::kStep) return v > 0.0f ? 1.0f : v;
  // log2(0) = -inf and exp2(-inf) = 0, so 0 needs no branch.
  return exp2_of(exponent * log2_of(v));
}

// Newton's iteration on x in place: masks out. One form of the slope.
template <Slope S, int N>
LRHDR_HD inline void newton(float (&x)[N], const Alpha& alpha) {
  float tau = -1.0f;
  LRHDR_NO_UNROLL
  for (int step = 0; step < alpha.steps; ++step) {
    float excess = -1.0f, slopes = 0.0f;
    LRHDR_UNROLL
    for (int i = 0; i < N; ++i) {
      const float v = positive(x[i] - tau);
      const float slope = slope_of<S>(v, alpha.exponent);
      excess += v * slope;
      slopes += slope;
    }
    tau += divide(excess, alpha.power * slopes);
  }
  LRHDR_UNROLL
  for (int i = 0; i < N; ++i) {
    const float v = positive(x[i] - tau);
    x[i] = v * slope_of<S>(v, alpha.exponent);
  }
}

// Logits to masks, in place.
template <int N>
LRHDR_HD inline void entmax(float (&z)[N], const Alpha& alpha) {
  float peak = z[0];
  LRHDR_UNROLL
  for (int i = 1; i < N; ++i) peak = fmaxf(peak, z[i]);
  LRHDR_UNROLL
  for (int i = 0; i < N; ++i) z[i] = (z[i] - peak) * alpha.gain;
  switch (alpha.slope) {  // the same for every pixel: threads never part here
    case Slope::kLinear:
      return newton<Slope::kLinear>(z, alpha);
    case Slope::kStep:
      return newton<Slope::kStep>(z, alpha);
    case Slope::kPower:
      return newton<Slope::kPower>(z, alpha);
  }
}

}  // namespace lrhdr
