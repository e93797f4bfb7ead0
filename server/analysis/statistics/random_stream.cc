#include "server/analysis/statistics/random_stream.h"

#include <cmath>

namespace headscope::server {
namespace {

// SplitMix64's finaliser: neighbouring seeds and streams become unrelated.
std::uint64_t Mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::uint64_t stream) : engine_(Mix(Mix(seed) ^ stream)) {}

std::uint64_t RandomStream::Below(std::uint64_t bound) {
  // The top of the range that is no whole multiple of `bound` is drawn again.
  const std::uint64_t rest = (~bound + 1) % bound;
  for (;;) {
    const std::uint64_t value = Next();
    if (value >= rest) return value % bound;
  }
}

std::uint64_t RandomStream::Binomial(std::uint64_t trials, double probability) {
  if (probability >= 1) return trials;
  const double odds = probability / (1 - probability);
  double chance = std::exp(static_cast<double>(trials) * std::log1p(-probability));
  double left = Unit();
  std::uint64_t successes = 0;
  while (left >= chance && successes < trials) {
    left -= chance;
    chance *= odds * static_cast<double>(trials - successes) / static_cast<double>(successes + 1);
    ++successes;
  }
  return successes;
}

}  // namespace headscope::server
