// SIGTERM and SIGINT as events.
#pragma once

#include <functional>
#include <thread>

#include "absl/synchronization/notification.h"

namespace headscope::server {

// Made before any other thread, which then inherits that these signals come here only. SIGPIPE is ignored. Thread-safe,
// but for Start and Stop, which are for the thread that made it.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Starts listening. `first` and `second` run on its thread when the signal arrives, before first() and second() are
  // notified.
  void Start(std::function<void()> first, std::function<void()> second);
  // `first` and `second` run no more once it returns: what they use may end then. Idempotent.
  void Stop();
  // Somebody wants the program to stop; somebody will not wait.
  const absl::Notification& first() const { return first_; }
  const absl::Notification& second() const { return second_; }

 private:
  void Run(const std::function<void()>& first, const std::function<void()>& second);
  // False: Stop wants the thread to end.
  bool AwaitSignal();

  int signal_fd_;
  int end_fd_;
  std::thread thread_;
  absl::Notification first_;
  absl::Notification second_;
};

}  // namespace headscope::server
