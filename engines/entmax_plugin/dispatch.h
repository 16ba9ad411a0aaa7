// From a problem's run-time type, candidates and alignment to the specialised loop.
#pragma once

#include <type_traits>

#include "pack.h"
#include "problem.h"

namespace lrhdr {

// What a loop is specialised by.
template <typename T_, int N_, int V_>
struct Form {
  using T = T_;
  static constexpr int N = N_, V = V_;
};

template <typename T, int N, typename Problem, typename Run>
void choose_count(const Problem& problem, const Run& run) {
  if constexpr (N <= kMaxCandidates) {
    if (problem.count != N) {
      choose_count<T, N + 1>(problem, run);
    } else if (wide(problem, kWide<T>)) {
      run(Form<T, N, kWide<T>>{});
    } else {
      run(Form<T, N, 1>{});
    }
  }
}

// Calls run(Form<...>{}); problem.count must be in [kMinCandidates, kMaxCandidates].
template <typename Problem, typename Run>
void specialise(const Problem& problem, const Run& run) {
  if (problem.half) {
    choose_count<__half, kMinCandidates>(problem, run);
  } else {
    choose_count<float, kMinCandidates>(problem, run);
  }
}

}  // namespace lrhdr
