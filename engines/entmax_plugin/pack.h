// V neighbouring pixels of one plane as floats: one at a time, or as many as 16 bytes hold.
#pragma once

#include <cuda_fp16.h>

#include <cstring>

#include "host_device.h"

namespace lrhdr {

LRHDR_HD inline float to_float(float value) { return value; }
LRHDR_HD inline float to_float(__half value) { return __half2float(value); }
template <typename T>
LRHDR_HD inline T from_float(float value) {
  return static_cast<T>(value);
}

template <typename T>
constexpr int kWide = 16 / sizeof(T);

// V is 1, or a multiple of kWide<T>; then `source` is aligned to 16 bytes.
template <typename T, int V>
LRHDR_HD inline void load(const T* source, float (&pixels)[V]) {
  if constexpr (V == 1) {
    pixels[0] = to_float(*source);
  } else {
    T values[V];
#ifdef __CUDA_ARCH__
    LRHDR_UNROLL
    for (int part = 0; part < V; part += kWide<T>) {
      const uint4 bits = __ldg(reinterpret_cast<const uint4*>(source + part));
      memcpy(values + part, &bits, sizeof(bits));
    }
#else
    std::memcpy(values, source, sizeof(values));
#endif
    LRHDR_UNROLL
    for (int j = 0; j < V; ++j) pixels[j] = to_float(values[j]);
  }
}

// The reverse of `load`, under the same conditions.
template <typename T, int V>
LRHDR_HD inline void store(const float (&pixels)[V], T* target) {
  if constexpr (V == 1) {
    *target = from_float<T>(pixels[0]);
  } else {
    T values[V];
    LRHDR_UNROLL
    for (int j = 0; j < V; ++j) values[j] = from_float<T>(pixels[j]);
#ifdef __CUDA_ARCH__
    LRHDR_UNROLL
    for (int part = 0; part < V; part += kWide<T>) {
      uint4 bits;
      memcpy(&bits, values + part, sizeof(bits));
      // Not an assignment, which the compiler may split into four.
      asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(target + part), "r"(bits.x),
                   "r"(bits.y), "r"(bits.z), "r"(bits.w)
                   : "memory");
    }
#else
    std::memcpy(target, values, sizeof(values));
#endif
  }
}

}  // namespace lrhdr
