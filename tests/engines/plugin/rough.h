// The special-function unit at its worst: log2f and exp2f off by what the PTX ISA allows
// lg2.approx.ftz and ex2.approx.ftz (2^-22, absolute for log2 between 1/2 and 2, else relative;
// denormals flushed), with a sign that changes from argument to argument.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace rough {

inline float sign(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return (bits * 2654435761u) >> 31 ? 0x1p-22f : -0x1p-22f;
}

inline float flush(float x) { return std::fabs(x) < 0x1p-126f ? 0.0f : x; }

inline float log2(float x) {
  const float y = std::log2(flush(x));
  if (!std::isfinite(y)) return y;
  return y + sign(x) * (x > 0.5f && x < 2.0f ? 1.0f : std::fabs(y));
}

inline float exp2(float x) {
  const float y = std::exp2(x);
  return flush(y + sign(x) * y);
}

}  // namespace rough

#define log2f rough::log2
#define exp2f rough::exp2
