// How long somebody may let us wait.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace headscope::server {

// Time is an argument: the caller has a clock that only goes forward. Thread-compatible.
class IdleLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  explicit IdleLimit(Duration limit) : limit_(limit) {}

  // A wait begins, or begins anew.
  void Wait(Time now) { since_ = now; }
  // What was waited for has come.
  void Came() { since_.reset(); }
  // What is left of the wait, the whole limit while there is none; zero once the limit is reached.
  Duration Left(Time now) const { return since_ ? std::max(Duration::zero(), limit_ - (now - *since_)) : limit_; }

 private:
  const Duration limit_;
  std::optional<Time> since_;
};

}  // namespace headscope::server
