// Waits for what ends a worker.
#pragma once

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace headscope::worker {

// Made before any other thread, which then inherits that SIGTERM and SIGINT come here only. SIGPIPE is ignored.
// Thread-safe; one thread waits.
class ShutdownWatch {
 public:
  enum class Event {
    // SIGTERM or SIGINT.
    kTerminate,
    // The pipe of the parent was closed: it is gone.
    kParentGone,
    // Wake was called.
    kWoken,
  };

  // `parent_fd`: read end of a pipe, or -1. Not owned.
  explicit ShutdownWatch(int parent_fd);
  ~ShutdownWatch();
  ShutdownWatch(const ShutdownWatch&) = delete;
  ShutdownWatch& operator=(const ShutdownWatch&) = delete;

  Event Wait();
  // Ends a Wait, with a word for who waits.
  void Wake(const std::string& word);
  // The last word; empty when there was none.
  std::string word() const;

 private:
  const int parent_fd_;
  int signal_fd_;
  int wake_fd_;
  mutable absl::Mutex mutex_;
  std::string word_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::worker
