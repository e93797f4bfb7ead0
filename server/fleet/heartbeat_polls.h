// Heartbeats that wait for their interval or for something to tell.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/store/job_store.h"

namespace headscope::server {

// What a heartbeat is answered with: leases (shard, fence) to stop, and whether to lease nothing more.
struct HeartbeatNews {
  std::vector<std::pair<std::string, std::uint64_t>> abandon;
  bool drain = false;
};

// Thread-safe. Answers run without locks held, on the thread that calls.
class HeartbeatPolls {
 public:
  using Answer = std::function<void(const absl::StatusOr<HeartbeatNews>&)>;

  // A session keeps a few polls at most: parking another answers the oldest.
  std::uint64_t Park(const SessionRef& session, Answer answer);
  // Its interval is over: nothing to tell.
  void Timeout(std::uint64_t poll);
  // Answers a session's polls, if it has any; its next heartbeat would find out by itself.
  void Tell(const SessionRef& session, const HeartbeatNews& news);
  void End(const SessionRef& session, const absl::Status& status);

 private:
  struct Parked {
    SessionRef session;
    Answer answer;
  };
  std::vector<Answer> Take(const SessionRef& session) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  std::uint64_t last_poll_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Parked> parked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
