// Random numbers that are the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace headscope::server {

// One of any number of streams of a seed. The standard fixes the engine, and what the distributions would leave to the
// library is made here. Thread-compatible.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream);

  std::uint64_t Next() { return engine_(); }
  // Uniform in [0, bound); `bound` is at least 1.
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  // How many of `trials` independent events of probability `probability` happen. By inversion: for means of a few.
  std::uint64_t Binomial(std::uint64_t trials, double probability);
  // Fisher and Yates, from `begin` to before `end`.
  template <typename T>
  void Shuffle(std::vector<T>& values, std::size_t begin, std::size_t end) {
    for (std::size_t left = end - begin; left > 1; --left) {
      std::swap(values[begin + left - 1], values[begin + Below(left)]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace headscope::server
