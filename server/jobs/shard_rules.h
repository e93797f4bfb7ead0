// What becomes of a leased shard when its attempt ends in another way than success.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "proto/support/limits.h"
#include "proto/support/random_source.h"
#include "server/jobs/job.h"

namespace headscope::server {

// What a worker reports of an attempt that failed.
struct ShardFailure {
  JobFailure failure;
  bool retryable = false;
  // Out of memory: next time with this budget.
  std::optional<std::uint32_t> suggested_batch_tokens;
};

struct ShardVerdict {
  // Queued again.
  Shard shard;
  // Instead of another attempt: the job fails with this.
  std::optional<JobFailure> job_failure;
};

// The attempt counts; another one follows after a back-off, unless the failure is for good or `max_attempts` are used
// up (MAX_ATTEMPTS_EXCEEDED). A suggested budget below the present one is taken, but not below kMinBatchTokens.
ShardVerdict AfterFailure(Shard shard, const ShardFailure& failure, std::uint32_t max_attempts, absl::Time now,
                          RandomSource& random);

// Deaths of workers over one shard that are taken as its fault.
struct DeathLimits {
  std::uint32_t deaths = kMaxWorkerDeaths;
  // Deaths that are longer ago do not count.
  absl::Duration window = kWorkerDeathWindow;
};

// The worker's session ended first: the fence rises, so that the former holder is shut out at once. Leasable at once,
// whatever the clock says. `shard.worker_deaths` are those of the window before this one; with limits.deaths of them
// the job fails with POISONED.
ShardVerdict AfterWorkerDeath(Shard shard, const DeathLimits& limits);

// Given back by its holder, or taken from a worker without any fault of the shard (`taken`: the fence rises). Leasable
// at once.
Shard AfterRelease(Shard shard, bool taken);

}  // namespace headscope::server
