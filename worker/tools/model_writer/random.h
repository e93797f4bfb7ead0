// A small pseudo-random generator whose numbers depend on nothing but its seed, on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace headscope::worker {

// SplitMix64 (Steele, Lea, Flood 2014). Not for secrets. Thread-compatible; a plain value.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // An independent generator for the `stream`-th purpose of the same seed.
  Random(std::uint64_t seed, std::uint64_t stream) : state_(seed) { state_ = Next() ^ (stream * 0xD1342543DE82EF95u); }

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // Uniform in [low, high], low <= high, spans far below 2^32.
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(Next() % static_cast<std::uint64_t>(high - low + 1));
  }

  // Normal with mean 0 and deviation 1 (Box and Muller; the second value of a pair is dropped).
  double Normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * Uniform());
  }

 private:
  std::uint64_t state_;
};

}  // namespace headscope::worker
