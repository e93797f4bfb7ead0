// The leases that connected workers hold, and how far they are. The store decides what a lease is worth; this remembers
// what the store does not: progress inside a shard.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/jobs/job_events.h"
#include "server/store/job_store.h"

namespace headscope::server {

struct HeldLease {
  LeaseKey key;
  std::string job;
  Phase phase = Phase::kPrepare;
  std::uint32_t ordinal = 0;
  // Bounds of what a worker may report.
  std::uint64_t samples = 0;
  std::uint64_t tokens = 0;
  std::uint64_t samples_done = 0;
  std::uint64_t tokens_done = 0;
  // When it was granted or last got further.
  absl::Time progress_time;
  // Its results are arriving.
  bool handing_in = false;
  bool was_handed_in = false;
};

// Thread-safe. Changes on the store's thread only.
class LeaseBook {
 public:
  void Add(const LeaseKey& key, const Lease& lease, absl::Time now);
  std::optional<HeldLease> Remove(const std::string& shard, std::uint64_t fence);
  bool Has(const std::string& shard, std::uint64_t fence) const;
  std::vector<HeldLease> OfSession(const SessionRef& session) const;
  std::vector<HeldLease> OfJob(const std::string& job) const;
  // Takes in a worker's report. True when the job's running progress changed.
  bool Report(const std::string& shard, std::uint64_t fence, std::uint64_t samples_done, std::uint64_t tokens_done,
              absl::Time now);
  // The first time that results arrive is progress; handing in that failed and is tried again is none.
  void SetHandingIn(const std::string& shard, std::uint64_t fence, bool handing_in, absl::Time now);
  // Nothing counts as standing still before `now`.
  void RestartPatience(absl::Time now);
  // What running SCORE leases have done in all.
  LiveProgress Running(const std::string& job) const;

  // Results accepted lately: the digest of what was handed in under this fence, so that a repetition can be told apart
  // from a stale lease. The newest 1024 are kept.
  void Accept(const std::string& shard, std::uint64_t fence, std::string digest);
  std::optional<std::string> Accepted(const std::string& shard, std::uint64_t fence) const;

 private:
  HeldLease* Find(const std::string& shard, std::uint64_t fence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  // By shard.
  std::map<std::string, HeldLease> leases_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::uint64_t>, std::string> accepted_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<std::string, std::uint64_t>> accepted_order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
