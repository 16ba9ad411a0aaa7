// Radiance to 16-bit PQ codes in registers: BT.709 linear -> BT.2020 linear -> PQ -> code. FP32,
// and the same source for host and device. The constants are those of lrhdr/light.py.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace lrhdr {

// SMPTE ST 2084, 5.3 (BT.2100-2 table 4).
constexpr double kPqPeakNits = 10000.0;
constexpr double kPqM1 = 2610.0 / 16384.0;
constexpr double kPqM2 = 2523.0 / 4096.0 * 128.0;
constexpr double kPqC1 = 3424.0 / 4096.0;
constexpr double kPqC2 = 2413.0 / 4096.0 * 32.0;
constexpr double kPqC3 = 2392.0 / 4096.0 * 32.0;
constexpr double kPqWhite = 65535.0;  // the code of signal 1; that of 0 is 0
// BT.2087-0 2.2, M2, to more digits than are printed there.
constexpr double kBt709ToBt2020[3][3] = {
    {0.6274038959346988, 0.3292830383778838, 0.04331306568741722},
    {0.06909728935823195, 0.9195403950754587, 0.011362315566309171},
    {0.016391438875150224, 0.08801330787722578, 0.895595253247624},
};

// What a picture is made by, computed once on the host.
struct Encoding {
  float gain;           // from the graphs' radiance to the output's
  float to_nits[3][3];  // from that to cd/m2 in BT.2020; only for codes
};

inline Encoding make_encoding(float gain, double white_nits) {
  Encoding encoding{gain, {}};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j)
      encoding.to_nits[i][j] = static_cast<float>(kBt709ToBt2020[i][j] * white_nits);
  }
  return encoding;
}

// Neither NaN nor infinite: only those differ from themselves, or leave NaN.
LRHDR_HD inline bool finite(float x) { return x - x == 0.0f; }

// x in [0, peak]; NaN becomes 0, and so does -0, as the bits of the result are compared later.
LRHDR_HD inline float displayable(float x) {
  constexpr float peak = static_cast<float>(kPqPeakNits);
  return x > 0.0f ? (x < peak ? x : peak) : 0.0f;
}

// cd/m2 in [0, 10000] to a code, halves rounded up. ST 2084 has ((c1 + c2 y) / (1 + c3 y))^m2, and
// c1 = c3 - c2 + 1: so the base is 1 - d with d = (1 - c1)(1 - y) / (1 + c3 y). As FP32 the base
// itself would leave the power, 79, up to 0.9 of a code off; d, being small, leaves 0.01, and 0.04
// with log2 and exp2 at their worst.
LRHDR_HD inline uint16_t pq_code(float nits) {
  constexpr float m1 = kPqM1, scale = 1.0 / kPqPeakNits, reach = 1.0 - kPqC1, c3 = kPqC3;
  constexpr float power = kPqM2 / 0.69314718055994530942;  // log1p is natural, exp2 is not
  // log2(0) = -inf and exp2(-inf) = 0, so black needs no branch.
  const float y = exp2_of(m1 * log2_of(nits * scale));
  const float d = divide(reach * (1.0f - y), 1.0f + c3 * y);
  const float signal = exp2_of(power * log1pf(-d));
  constexpr float white = kPqWhite;
  return static_cast<uint16_t>(signal * white + 0.5f);
}

}  // namespace lrhdr
