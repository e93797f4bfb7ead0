#include "server/jobs/planning.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace headscope::server {

std::vector<PlannedShard> PlanPrepareShards(std::uint64_t sample_count) {
  std::vector<PlannedShard> shards;
  for (std::uint64_t begin = 0; begin < sample_count; begin += kPrepareShardSamples) {
    PlannedShard& shard = shards.emplace_back();
    shard.samples.resize(std::min<std::uint64_t>(kPrepareShardSamples, sample_count - begin));
    std::iota(shard.samples.begin(), shard.samples.end(), static_cast<std::uint32_t>(begin));
  }
  return shards;
}

ShardTokens ShardTokensFor(std::uint32_t batch_tokens) {
  return {.most = std::clamp(kMaxShardBatches * batch_tokens, kShardTokens, kMaxShardTokens),
          .least = std::clamp<std::uint64_t>(batch_tokens, kMinShardTokens, kMaxShardTokens)};
}

std::uint64_t ResultBytesPerSample(std::uint32_t layers, std::uint32_t heads, std::size_t planes) {
  constexpr std::uint64_t kFixed = 3 * sizeof(std::uint32_t) + sizeof(double);
  return kFixed + std::uint64_t{layers} * heads * planes * sizeof(float);
}

std::vector<PlannedShard> PlanScoreShards(const std::vector<PreparedSample>& samples, const ScoreLimits& limits) {
  std::vector<PlannedShard> shards;
  PlannedShard shard;
  std::uint64_t left = 0;
  for (const PreparedSample& sample : samples) left += sample.tokens;
  // Of whole batches: a half-empty one costs nearly as much.
  const auto share = [&] {
    const std::uint64_t part = left / kShardsOfTheRest;
    return std::clamp(part - part % limits.tokens.least, limits.tokens.least, limits.tokens.most);
  };
  std::uint64_t most = share();
  for (const PreparedSample& sample : samples) {
    const std::uint64_t tokens = shard.tokens + sample.tokens;
    const std::uint64_t bytes = (shard.samples.size() + 1) * limits.bytes_per_sample + tokens * limits.bytes_per_token;
    const bool full = shard.samples.size() >= limits.samples || tokens > most || bytes > limits.result_bytes;
    if (full && !shard.samples.empty()) {
      left -= shard.tokens;
      most = share();
      shards.push_back(std::exchange(shard, {}));
    }
    shard.samples.push_back(sample.index);
    shard.tokens += sample.tokens;
  }
  if (!shard.samples.empty()) shards.push_back(std::move(shard));
  return shards;
}

std::uint32_t ResolveBatchTokens(std::optional<std::uint32_t> requested, std::uint32_t recommended) {
  if (requested) return *requested;
  if (recommended == 0) return kDefaultBatchTokens;
  return std::clamp(recommended, kMinBatchTokens, kMaxBatchTokens);
}

}  // namespace headscope::server
