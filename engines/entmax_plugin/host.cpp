// The same loops on the CPU behind plain C, for tests of the numerics without a GPU: compiled by
// the host compiler, FP16 through cuda_fp16.h's host conversions.
#include "dispatch.h"
#include "loops.h"

using lrhdr::make_alpha;

extern "C" {

// (batch, count, pixels) logits to masks, FP16 if `half`.
void lrhdr_host_entmax(const void* logits, void* masks, int64_t pixels, int batch, int count,
                       float alpha, int half) {
  const lrhdr::EntmaxProblem problem{logits, masks, pixels, batch, count, alpha, half != 0};
  lrhdr::specialise(problem, [&](auto form) {
    using F = decltype(form);
    using T = typename F::T;
    for (int64_t image = 0; image < batch; ++image) {
      const int64_t offset = image * count * pixels;
      lrhdr::entmax_loop<T, F::N, F::V>(static_cast<const T*>(logits) + offset,
                                        static_cast<T*>(masks) + offset, pixels,
                                        make_alpha(alpha, count), 0, 1);
    }
  });
}

// `candidates` are `count` pointers to (3, pixels), the first `images` of them in gamma space;
// `masks` may be null.
void lrhdr_host_fusion(const void* logits, const void* const* candidates, const float* exposures,
                       float* hdr, float* masks, int64_t pixels, int count, int images, float alpha,
                       int half) {
  lrhdr::FusionProblem problem{logits, {},    exposures, hdr,   masks,
                               pixels, count, images,    alpha, half != 0};
  for (int i = 0; i < count; ++i) problem.candidates[i] = candidates[i];
  lrhdr::specialise(problem, [&](auto form) {
    using F = decltype(form);
    lrhdr::fusion_loop<typename F::T, F::N, F::V>(problem, make_alpha(alpha, count), 0, 1);
  });
}

// Whether a pointer and size take the 16-byte path.
int lrhdr_host_wide(const void* logits, const void* masks, int64_t pixels, int half) {
  const lrhdr::EntmaxProblem problem{logits, const_cast<void*>(masks), pixels, 1, 2, 2.0f, false};
  return lrhdr::wide(problem, half != 0 ? lrhdr::kWide<__half> : lrhdr::kWide<float>);
}

}  // extern "C"
