// Who has to hear of a change: watchers, metrics, the workers that must stop, the dispatcher.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/fleet/heartbeat_polls.h"
#include "server/fleet/lease_book.h"
#include "server/fleet/posts.h"
#include "server/fleet/timer_queue.h"
#include "server/jobs/job_events.h"
#include "server/metrics/metrics.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Thread-safe.
class JobNews {
 public:
  struct Parts {
    Posts& posts;
    TimerQueue& timers;
    JobEvents& events;
    Metrics& metrics;
    LeaseBook& leases;
    HeartbeatPolls& polls;
    // Wakes waiting workers; any thread.
    std::function<void()> wake;
  };
  // All parts outlive this.
  explicit JobNews(Parts parts) : parts_(std::move(parts)) {}

  // Tells of what a change touched. Any thread.
  void Apply(const Effect& effect);

  // The rest: on the store's thread.

  // A lease began or ended: publishes the attempt as it is stored.
  void PublishAttempt(JobStore& store, const std::string& job, Phase phase, std::uint32_t ordinal);
  // Running leases got further.
  void PublishProgress(JobStore& store, const std::string& job);

 private:
  void TellChanged(JobStore& store, const std::string& job);
  // True the first time.
  bool MarkEnded(const std::string& job, absl::Time end);
  // It goes on: its next end is another one.
  void MarkOpen(const std::string& job);
  void CountEnd(const Job& job);

  const Parts parts_;

  absl::Mutex mutex_;
  // The most that was published of running jobs: progress never goes back.
  std::map<std::string, LiveProgress> published_ ABSL_GUARDED_BY(mutex_);
  // Jobs that ended a short while ago.
  std::map<std::string, absl::Time> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
