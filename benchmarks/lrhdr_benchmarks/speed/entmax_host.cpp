// The kernels' arithmetic on the CPU, pixel by pixel, in FP32. The plugin's host.cpp runs their
// loops too, but for FP16 it needs CUDA's headers; this needs none. N is given at compile time.
#include <cstdint>

#include "entmax.h"

// (N, pixels) logits to masks.
extern "C" void lrhdr_host_entmax(const float* logits, float* masks, int64_t pixels, float alpha) {
  const lrhdr::Alpha given = lrhdr::make_alpha(alpha, LRHDR_CANDIDATES);
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    float z[LRHDR_CANDIDATES];
    for (int i = 0; i < LRHDR_CANDIDATES; ++i) z[i] = logits[i * pixels + pixel];
    lrhdr::entmax(z, given);
    for (int i = 0; i < LRHDR_CANDIDATES; ++i) masks[i * pixels + pixel] = z[i];
  }
}
