// One shard at a time on the device.
#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace headscope::worker {

// Several shards are in work at a time so that one is fetched and tokenised, and another handed in, while a third
// computes; the turn is the third's. Whoever has it has the device's models and engines to itself. Thread-safe.
class ComputeTurn {
 public:
  // Waits for the turn. False, without it, as soon as `stopped` is true: asked again and again.
  bool Take(const std::function<bool()>& stopped);
  // Ends the turn that Take gave.
  void Give();

 private:
  absl::Mutex mutex_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::worker
