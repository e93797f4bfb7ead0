// The way from the fleet to the executors, closed when the fleet stops.
#pragma once

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/store/io_pool.h"
#include "server/store/store_executor.h"

namespace headscope::server {

// Thread-safe.
class Posts {
 public:
  // Both outlive this.
  Posts(StoreExecutor& store, IoPool& io) : store_(store), io_(io) {}

  // False: closed, `work` was dropped.
  bool Store(std::function<void(JobStore&)> work) {
    absl::ReaderMutexLock lock(&mutex_);
    return !closed_ && store_.Post(std::move(work));
  }
  bool Io(std::function<void()> work) {
    absl::ReaderMutexLock lock(&mutex_);
    return !closed_ && io_.Post(std::move(work));
  }
  // When this returns, nothing more is posted.
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }

 private:
  StoreExecutor& store_;
  IoPool& io_;

  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::server
