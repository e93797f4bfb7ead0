// How a job's samples are cut into shards. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/support/limits.h"
#include "server/jobs/job.h"

namespace headscope::server {

struct PlannedShard {
  // Positions in the dataset, ascending.
  std::vector<std::uint32_t> samples;
  std::uint64_t tokens = 0;
};

// Runs of kPrepareShardSamples samples in dataset order; the last one is shorter.
std::vector<PlannedShard> PlanPrepareShards(std::uint64_t sample_count);

// How many tokens a shard may have while much of the job is left, and when little is.
struct ShardTokens {
  std::uint64_t most = kShardTokens;
  std::uint64_t least = kMinShardTokens;
};

// With batches of `batch_tokens`.
ShardTokens ShardTokensFor(std::uint32_t batch_tokens);

// Where a SCORE shard is cut: at the first of these.
struct ScoreLimits {
  ShardTokens tokens = {};
  std::uint32_t samples = kShardSamples;
  std::uint64_t result_bytes = kShardResultBytes;
  // Stored bytes of one sample's scores; see ResultBytesPerSample. 0: unknown, result_bytes does not cut.
  std::uint64_t bytes_per_sample = 0;
  // What one token adds at most; see kRecordedTokenBytes. 0: tokens are not stored.
  std::uint64_t bytes_per_token = 0;
};

// What one sample's scores take in a stored shard.
std::uint64_t ResultBytesPerSample(std::uint32_t layers, std::uint32_t heads, std::size_t planes);

// Shards of neighbouring valid samples in dataset order, so that results stream in dataset order. `samples` is in that
// order. Each takes one part in kShardsOfTheRest of what is left (guided self-scheduling: Polychronopoulos and Kuck,
// 1987), within limits.tokens. A sample beyond the limits alone is a shard of its own.
std::vector<PlannedShard> PlanScoreShards(const std::vector<PreparedSample>& samples, const ScoreLimits& limits);

// Tokens of one batch: what was asked for; otherwise what the workers recommend, within the limits for what may be
// asked for; otherwise (0) kDefaultBatchTokens.
std::uint32_t ResolveBatchTokens(std::optional<std::uint32_t> requested, std::uint32_t recommended);

}  // namespace headscope::server
