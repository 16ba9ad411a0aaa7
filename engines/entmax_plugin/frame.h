// The pixel loops of the two frame kernels. A thread (or the host, with start 0 and stride 1)
// serves one pixel a turn: what they move is little beside the upload and the download of the same
// frame.
#pragma once

#include <cstdint>
#include <type_traits>

#include "frame_light.h"

namespace lrhdr {

constexpr int64_t kMaxPixels = 1 << 29;  // three values each are still numbered by 31 bits

// A picture in the corner of padded planes.
struct FrameSize {
  int height, width;                // H, W
  int padded_height, padded_width;  // H', W'

  LRHDR_HD int64_t pixels() const { return static_cast<int64_t>(height) * width; }
  LRHDR_HD int64_t plane() const { return static_cast<int64_t>(padded_height) * padded_width; }
  bool sound() const {
    return height > 0 && width > 0 && padded_height >= height && padded_width >= width &&
           plane() <= kMaxPixels;
  }
};

struct Place {
  uint32_t row, column;
};

// Of the k-th pixel of rows of `width`. 32 bits: a division of 64 takes several times as long.
LRHDR_HD inline Place place_of(int64_t k, int width) {
  const auto index = static_cast<uint32_t>(k), length = static_cast<uint32_t>(width);
  return {index / length, index % length};
}

// Codes (H, W, 3) to planes (3, H', W') in [0, 1]. The last row and column are replicated.
template <typename Code>
LRHDR_HD inline void unpack_loop(const Code* codes, float* image, const FrameSize& size,
                                 int64_t start, int64_t stride) {
  constexpr float white = static_cast<Code>(-1);  // the greatest: Code is unsigned
  const uint32_t last_row = size.height - 1, last_column = size.width - 1;
  const int64_t plane = size.plane();
  for (int64_t pixel = start; pixel < plane; pixel += stride) {
    const Place to = place_of(pixel, size.padded_width);
    const int64_t row = to.row < last_row ? to.row : last_row;
    const int64_t column = to.column < last_column ? to.column : last_column;
    const Code* from = codes + 3 * (row * size.width + column);
    LRHDR_UNROLL
    for (int channel = 0; channel < 3; ++channel)
      image[channel * plane + pixel] = static_cast<float>(from[channel]) / white;
  }
}

// What was seen of some pixels on the way.
struct Seen {
  int bad;         // values that are not finite
  float greatest;  // max(R, G, B) in cd/m2
  double sum;      // of max(R, G, B) in cd/m2

  LRHDR_HD void add(const Seen& other) {
    bad += other.bad;
    greatest = greatest < other.greatest ? other.greatest : greatest;
    sum += other.sum;
  }
};

// Planes (3, H', W') of radiance to a picture (H, W, 3): float, radiance; uint16_t, PQ codes.
template <typename Value>
LRHDR_HD inline Seen pack_loop(const float* hdr, Value* picture, const FrameSize& size,
                               const Encoding& encoding, int64_t start, int64_t stride) {
  Seen seen{};
  for (int64_t pixel = start; pixel < size.pixels(); pixel += stride) {
    const Place from = place_of(pixel, size.width);
    const float* source = hdr + static_cast<int64_t>(from.row) * size.padded_width + from.column;
    Value* target = picture + 3 * pixel;
    float light[3];
    LRHDR_UNROLL
    for (int channel = 0; channel < 3; ++channel) {
      light[channel] = source[channel * size.plane()] * encoding.gain;
      seen.bad += !finite(light[channel]);
    }
    if constexpr (std::is_same_v<Value, float>) {
      LRHDR_UNROLL
      for (int channel = 0; channel < 3; ++channel) target[channel] = light[channel];
    } else {
      LRHDR_UNROLL
      for (int channel = 0; channel < 3; ++channel)
        light[channel] = finite(light[channel]) ? light[channel] : 0.0f;
      float largest = 0.0f;
      LRHDR_UNROLL
      for (int channel = 0; channel < 3; ++channel) {
        const float (&row)[3] = encoding.to_nits[channel];
        const float nits = displayable(row[0] * light[0] + row[1] * light[1] + row[2] * light[2]);
        target[channel] = pq_code(nits);
        largest = largest < nits ? nits : largest;
      }
      seen.add({0, largest, largest});
    }
  }
  return seen;
}

}  // namespace lrhdr
