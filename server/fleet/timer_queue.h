// Work to be done later, on one thread of its own.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace headscope::server {

// Thread-safe. Work runs without locks held and hands over what could block.
class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue() { Stop(); }

  void Start();
  // What is still to come is dropped.
  void Stop();
  // Dropped when the queue has stopped.
  void After(absl::Duration delay, std::function<void()> work);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void Run();
  // Waits for the next work that is due; empty when stopping.
  std::function<void()> Next();

  std::thread thread_;

  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::multimap<Time, std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::server
