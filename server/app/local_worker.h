// Keeps one worker process running.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/app/child_process.h"

namespace headscope::server {

// Thread-safe.
class LocalWorker {
 public:
  struct Options {
    // "local-0": what the process opens its session as.
    std::string worker_id;
    ChildOptions child;
    // Wait before the process is started again: doubled each time, from the first after a minute of life.
    absl::Duration first_wait = absl::Milliseconds(500);
    absl::Duration longest_wait = absl::Seconds(30);
  };
  // `died` is called with the worker's id when a process ended that was not told to, before another is started; on a
  // thread of this object.
  LocalWorker(Options options, std::function<void(const std::string&)> died);
  ~LocalWorker();

  void Start();
  // The process is not started again. It gets `signal` if it runs; 0: none.
  void EndWith(int signal);
  // The process, which watches its life line, ends.
  void CloseLifeLine();
  // True when it has ended for good. After EndWith.
  bool AwaitEnd(absl::Duration timeout);

 private:
  void Run();
  // Starts the process; false when ending.
  bool StartProcess();
  // Until it ended. Says how long it lived; nullopt: it never started.
  std::optional<absl::Duration> AwaitProcess();
  // False when ending.
  bool Rest(absl::Duration wait);

  const Options options_;
  const std::function<void(const std::string&)> died_;
  std::thread thread_;

  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<ChildProcess> process_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
