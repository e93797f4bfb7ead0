// Waiting times between tries.
#pragma once

#include <algorithm>
#include <random>

#include "absl/time/time.h"

namespace headscope::worker {

// Doubles from `first` to `last`, each time shortened by up to a half at random, so that many workers do not come back
// at the same moment. Thread-compatible.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration last) : first_(first), last_(last), next_(first) {}

  absl::Duration Next() {
    const absl::Duration wait = next_ * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
    next_ = std::min(next_ * 2, last_);
    return wait;
  }
  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration last_;
  absl::Duration next_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace headscope::worker
