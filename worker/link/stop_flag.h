// A flag that ends waits.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace headscope::worker {

// Thread-safe.
class StopFlag {
 public:
  void Set() {
    absl::MutexLock lock(&mutex_);
    set_ = true;
  }
  bool IsSet() const {
    absl::MutexLock lock(&mutex_);
    return set_;
  }
  // Waits until set or until `time` is over. True when set.
  bool WaitFor(absl::Duration time) const {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&set_), time);
  }

 private:
  mutable absl::Mutex mutex_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::worker
