// Who of several threads may go ahead.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace headscope::worker {

// One thread has it at a time and passes it on when it will not need it any more. Thread-safe.
class Baton {
 public:
  void Take() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&free_));
    free_ = false;
  }
  void Pass() {
    absl::MutexLock lock(&mutex_);
    free_ = true;
  }

 private:
  absl::Mutex mutex_;
  bool free_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace headscope::worker
