// The states of jobs and shards and every step between them, in one place. A step that is not here is refused.
#pragma once

#include "absl/status/statusor.h"
#include "server/jobs/job.h"

namespace headscope::server {

struct JobCondition {
  JobState state = JobState::kQueued;
  // Running work is being stopped; never set in kQueued, and still set where that has ended the job.
  bool cancel_requested = false;
  friend bool operator==(const JobCondition&, const JobCondition&) = default;
};

enum class JobAction {
  // A PREPARE shard is leased.
  kPrepare,
  // A SCORE shard is leased.
  kStart,
  // The client wants it to end.
  kCancel,
  // The last lease of a job being cancelled has ended.
  kStop,
  // The last SCORE shard is in.
  kSucceed,
  kFail,
  // queue_ttl has passed.
  kExpire,
  // It ended without a pattern, and the client wants it to go on.
  kRetry,
};

// FAILED_PRECONDITION for a step that is refused.
absl::StatusOr<JobCondition> NextCondition(JobCondition condition, JobAction action);

enum class ShardAction {
  kClaim,
  kComplete,
  // Failed, released or lost with its worker, and to be tried again.
  kRequeue,
  // The job has ended or is being cancelled.
  kAbandon,
  // The job goes on.
  kRetry,
};

// FAILED_PRECONDITION for a step that is refused.
absl::StatusOr<ShardState> NextState(ShardState state, ShardAction action);

}  // namespace headscope::server
