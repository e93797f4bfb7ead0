// Randomness that can be repeated.
#pragma once

#include <cstdint>
#include <random>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/support/random_source.h"

namespace headscope {

// Thread-safe.
class SeededRandom : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t Next() override {
    absl::MutexLock lock(&mutex_);
    return engine_();
  }
  // Uniform in [0, bound).
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

 private:
  absl::Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_);
};

// The same number for ever.
class ConstantRandom : public RandomSource {
 public:
  explicit ConstantRandom(std::uint64_t value) : value_(value) {}
  std::uint64_t Next() override { return value_; }

 private:
  const std::uint64_t value_;
};

}  // namespace headscope
