#include "worker/runtime/device_thread.h"

#include <pthread.h>

#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {

DeviceThread::DeviceThread(int compute_threads) : compute_threads_(compute_threads), thread_([this] { Loop(); }) {}

DeviceThread::~DeviceThread() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void DeviceThread::Post(std::function<void()> closure) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(closure));
}

void DeviceThread::Loop() {
  pthread_setname_np(pthread_self(), "device");
  SetComputeThreads(compute_threads_);
  const auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); };
  while (true) {
    std::function<void()> closure;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&awake));
      if (queue_.empty()) return;
      closure = std::move(queue_.front());
      queue_.pop_front();
    }
    closure();
  }
}

}  // namespace headscope::worker
