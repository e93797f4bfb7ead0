#include "server/fleet/timer_queue.h"

#include <pthread.h>

#include <utility>

namespace headscope::server {

void TimerQueue::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "fleet-timer");
}

void TimerQueue::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    work_.clear();
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void TimerQueue::After(absl::Duration delay, std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  work_.emplace(std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay), std::move(work));
  changed_.Signal();
}

std::function<void()> TimerQueue::Next() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    if (work_.empty()) {
      changed_.Wait(&mutex_);
      continue;
    }
    const Time now = std::chrono::steady_clock::now();
    const auto first = work_.begin();
    if (first->first <= now) {
      std::function<void()> work = std::move(first->second);
      work_.erase(first);
      return work;
    }
    changed_.WaitWithTimeout(&mutex_, absl::FromChrono(first->first - now));
  }
  return nullptr;
}

void TimerQueue::Run() {
  while (const std::function<void()> work = Next()) work();
}

}  // namespace headscope::server
