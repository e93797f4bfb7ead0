// The one thread that computes on the device.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace headscope::worker {

// Runs closures one after the other on a thread of its own, which is the only one that touches tensors: every thread
// that calls into LibTorch gets a pool of compute threads, and a device's context belongs to a thread. Thread-safe.
class DeviceThread {
 public:
  // `compute_threads`: how many threads one tensor operation may use; at least 1.
  explicit DeviceThread(int compute_threads);
  // Runs what is queued, then joins.
  ~DeviceThread();
  DeviceThread(const DeviceThread&) = delete;
  DeviceThread& operator=(const DeviceThread&) = delete;

  // Calls `function` on the device thread, waits for it and returns what it returned. Not to be called from the device
  // thread itself. Waits as long as `function` takes: long work asks a cancel check.
  template <typename Function>
  auto Run(Function&& function) -> std::invoke_result_t<Function> {
    using Result = std::invoke_result_t<Function>;
    absl::Notification done;
    if constexpr (std::is_void_v<Result>) {
      Post([&] {
        function();
        done.Notify();
      });
      done.WaitForNotification();
    } else {
      std::optional<Result> result;
      Post([&] {
        result.emplace(function());
        done.Notify();
      });
      done.WaitForNotification();
      return *std::move(result);
    }
  }

  // As Run, without waiting.
  void Post(std::function<void()> closure);

 private:
  void Loop();

  const int compute_threads_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace headscope::worker
