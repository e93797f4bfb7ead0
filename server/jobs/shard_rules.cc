#include "server/jobs/shard_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "server/jobs/backoff.h"

namespace headscope::server {

ShardVerdict AfterFailure(Shard shard, const ShardFailure& failure, std::uint32_t max_attempts, absl::Time now,
                          RandomSource& random) {
  shard.state = ShardState::kQueued;
  shard.attempts += 1;
  if (!failure.retryable) return {shard, failure.failure};
  if (shard.attempts >= max_attempts) {
    return {shard, JobFailure{"MAX_ATTEMPTS_EXCEEDED",
                              absl::StrCat("shard ", shard.id, " failed ", shard.attempts, " times, ", max_attempts,
                                           " are allowed; the last time: ", failure.failure.reason, ": ",
                                           failure.failure.message)}};
  }
  if (failure.suggested_batch_tokens) {
    const std::uint32_t suggested = std::max(*failure.suggested_batch_tokens, kMinBatchTokens);
    shard.batch_tokens = std::min(shard.batch_tokens, suggested);
  }
  shard.run_after = now + Backoff(shard.attempts, random);
  return {shard, std::nullopt};
}

ShardVerdict AfterWorkerDeath(Shard shard, const DeathLimits& limits) {
  shard.state = ShardState::kQueued;
  shard.worker_deaths += 1;
  shard.fence += 1;
  shard.run_after = kNoBackoff;
  if (shard.worker_deaths < limits.deaths) return {shard, std::nullopt};
  return {shard, JobFailure{"POISONED",
                            absl::StrCat("shard ", shard.id, " was lost with its worker ", shard.worker_deaths,
                                         " times within ", absl::FormatDuration(limits.window), ", ", limits.deaths,
                                         " (--max-worker-deaths) are taken as its fault; look at the workers' logs, "
                                         "then retry the job")}};
}

Shard AfterRelease(Shard shard, bool taken) {
  shard.state = ShardState::kQueued;
  if (taken) shard.fence += 1;
  shard.run_after = kNoBackoff;
  return shard;
}

}  // namespace headscope::server
