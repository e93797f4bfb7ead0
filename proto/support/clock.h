// Time as an argument, so that tests own it.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace headscope {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time: for records that people read.
  virtual absl::Time Now() const = 0;
};

// The machine's clock. Lives as long as the process.
const Clock& SystemClock();

}  // namespace headscope
