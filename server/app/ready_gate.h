// Waits until a number of named workers have come.
#pragma once

#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace headscope::server {

// Thread-safe.
class ReadyGate {
 public:
  // Before anything else.
  void Expect(std::set<std::string> workers) {
    absl::MutexLock lock(&mutex_);
    missing_ = std::move(workers);
    open_ = missing_.empty();
  }
  void Arrived(const std::string& worker) {
    absl::MutexLock lock(&mutex_);
    missing_.erase(worker);
    if (missing_.empty()) open_ = true;
  }
  // Ends all waiting.
  void GiveUp() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }
  // Returns the number of workers still missing.
  std::size_t Await(absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&open_), timeout);
    return missing_.size();
  }

 private:
  absl::Mutex mutex_;
  std::set<std::string> missing_ ABSL_GUARDED_BY(mutex_);
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::server
