// The frame kernels' loops on the CPU behind plain C, for tests of the numerics without a GPU. They
// run as `threads` threads would, one after the other.
#include <initializer_list>

#include "frame.h"

namespace {

template <typename Value>
lrhdr::Seen pack(const float* hdr, void* picture, const lrhdr::FrameSize& size,
                 const lrhdr::Encoding& encoding, int threads) {
  lrhdr::Seen seen{};
  for (int k = 0; k < threads; ++k)
    seen.add(lrhdr::pack_loop(hdr, static_cast<Value*>(picture), size, encoding, k, threads));
  return seen;
}

}  // namespace

extern "C" {

// The parameters are those of lrhdr_unpack and lrhdr_pack. 0: refused.
int lrhdr_host_unpack(const void* codes, float* image, int height, int width, int padded_height,
                      int padded_width, int bits, int threads) {
  const lrhdr::FrameSize size{height, width, padded_height, padded_width};
  for (int k = 0; size.sound() && k < threads; ++k) {
    if (bits == 8) {
      lrhdr::unpack_loop(static_cast<const uint8_t*>(codes), image, size, k, threads);
    } else {
      lrhdr::unpack_loop(static_cast<const uint16_t*>(codes), image, size, k, threads);
    }
  }
  return size.sound();
}

int lrhdr_host_pack(const float* hdr, void* picture, double* statistics, int height, int width,
                    int padded_height, int padded_width, float gain, int pq, double white_nits,
                    int threads) {
  const lrhdr::FrameSize size{height, width, padded_height, padded_width};
  if (!size.sound()) return 0;
  const lrhdr::Encoding encoding = lrhdr::make_encoding(gain, white_nits);
  const lrhdr::Seen seen =
      (pq != 0 ? pack<uint16_t> : pack<float>)(hdr, picture, size, encoding, threads);
  statistics[0] = seen.bad;
  statistics[1] = seen.greatest;
  statistics[2] = seen.sum / static_cast<double>(size.pixels());
  return 1;
}

// `count` codes of light in cd/m2.
void lrhdr_host_pq(const float* nits, uint16_t* codes, int count) {
  for (int k = 0; k < count; ++k) codes[k] = lrhdr::pq_code(lrhdr::displayable(nits[k]));
}

// The peak, m1, m2, c1, c2, c3, the code of white, then the matrix: 16 numbers.
void lrhdr_host_light(double* constants) {
  using namespace lrhdr;
  for (const double value : {kPqPeakNits, kPqM1, kPqM2, kPqC1, kPqC2, kPqC3, kPqWhite})
    *constants++ = value;
  for (const auto& row : kBt709ToBt2020) {
    for (const double value : row) *constants++ = value;
  }
}

}  // extern "C"
