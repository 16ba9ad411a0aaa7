// What nvcc and a plain host compiler spell differently. On the device these are the special-
// function unit's own instructions: `loops.h` and `entmax.h` need no more of them than the PTX ISA
// promises, a relative 2^-22 (for log2 between 1/2 and 2, an absolute one).
#pragma once

#include <cmath>

#ifdef __CUDACC__
#define LRHDR_HD __host__ __device__
#define LRHDR_UNROLL _Pragma("unroll")
#define LRHDR_NO_UNROLL _Pragma("unroll 1")
#else
#define LRHDR_HD
#define LRHDR_UNROLL
#define LRHDR_NO_UNROLL
#endif

namespace lrhdr {

LRHDR_HD inline float log2_of(float x) {
#ifdef __CUDA_ARCH__
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return log2f(x);
#endif
}

LRHDR_HD inline float exp2_of(float x) {
#ifdef __CUDA_ARCH__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}

// a / b for a Newton step, which forgives 2 ulp.
LRHDR_HD inline float divide(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fdividef(a, b);
#else
  return a / b;
#endif
}

}  // namespace lrhdr
