// Jobs that lost a worker because its model was changed, and wait for one that has the content they are pinned to.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace headscope::server {

struct StrandedJob {
  std::string model;
  // What the job is pinned to: 32 raw bytes, or empty.
  std::string digest;
  // What was found instead, in words.
  std::string found;
};

// In memory only: after a restart of the server a job waits until it meets such a worker again. Thread-safe.
class StrandedJobs {
 public:
  void Add(const std::string& job, StrandedJob stranded);
  // It goes on, or has ended.
  void Remove(const std::string& job);
  // The jobs that no worker `can_serve` any more, and could not for `patience` until `now`.
  std::map<std::string, StrandedJob> GivenUp(const std::function<bool(const StrandedJob&)>& can_serve,
                                             absl::Duration patience, absl::Time now);
  // The server was away or its clock was set: waits begin anew.
  void RestartPatience();

 private:
  struct Waiting {
    StrandedJob job;
    // InfiniteFuture while some worker can serve it.
    absl::Time since = absl::InfiniteFuture();
  };

  absl::Mutex mutex_;
  std::map<std::string, Waiting> jobs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
