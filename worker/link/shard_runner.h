// From a granted lease to its end: reads the samples, works, hands in.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/link/link_parts.h"
#include "worker/runtime/shard.h"

namespace headscope::worker {

// Thread-safe: several leases may be run at once.
class ShardRunner {
 public:
  // `progressed` is called after every batch.
  ShardRunner(LinkParts parts, std::function<void()> progressed) : parts_(parts), progressed_(std::move(progressed)) {}

  // Blocks until the shard is handed in, failed, handed back, or no longer this worker's. What was computed is kept and
  // offered again as long as the server cannot be reached and has not said that the lease is stale. `nearly_done` is
  // called at most once, on this thread, when a SCORE shard's computing nears its end.
  void Run(const SessionRef& session, const v1::Shard& shard, const std::function<void()>& nearly_done);

 private:
  struct Job;

  void Work(const Job& job);
  absl::StatusOr<std::vector<ShardSample>> ReadSamples(const Job& job);
  absl::StatusOr<std::vector<ShardSample>> ReadSamplesOnce(const Job& job);
  ShardControl MakeControl(const Job& job);
  template <typename Result>
  void Finish(const Job& job, const ShardOutcome<Result>& outcome);
  void Complete(const Job& job, const std::vector<v1::CompleteShardRequest>& parts);
  void Fail(const Job& job, const ShardFailure& failure);
  void HandBack(const Job& job);
  // Calls until the server has answered or the lease is no longer this worker's (then CANCELLED).
  absl::Status Deliver(const Job& job, const std::function<absl::Status()>& call);
  void Ended(const Job& job, const char* outcome);

  LinkParts parts_;
  const std::function<void()> progressed_;
};

}  // namespace headscope::worker
