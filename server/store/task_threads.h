// Threads that run closures from one queue: what StoreExecutor (one thread) and IoPool (several) are made of.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace headscope::server {

// Thread-safe; Start and Stop from one thread.
class TaskThreads {
 public:
  // `name`: of the threads, at most 15 characters.
  TaskThreads(std::string name, int threads) : name_(std::move(name)), thread_count_(threads) {}
  ~TaskThreads() { Stop(); }

  void Start();
  // Runs what is queued (if started), then joins. Idempotent.
  void Stop();
  // False after Stop.
  bool Post(std::function<void()> task);

 private:
  void Work();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !tasks_.empty(); }

  const std::string name_;
  const int thread_count_;
  std::vector<std::thread> threads_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
