// Limits enforced before memory is taken. One place; documented in the README.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace headscope {

// gRPC messages: nothing larger is received by anyone; senders stay below kMaxBlockBytes.
inline constexpr int kMaxMessageBytes = 4 << 20;
inline constexpr std::size_t kMaxBlockBytes = 1 << 20;
inline constexpr int kMaxMetadataBytes = 16 << 10;
inline constexpr int kMaxConcurrentStreams = 256;

inline constexpr std::size_t kMaxSampleIdBytes = 256;
inline constexpr std::size_t kMaxSampleBytes = 1 << 20;
inline constexpr std::size_t kMaxDisplayNameBytes = 256;
inline constexpr std::size_t kMaxModelNameBytes = 512;
inline constexpr std::size_t kMaxRequestIdBytes = 128;
inline constexpr std::size_t kMaxWorkerIdBytes = 128;
inline constexpr std::size_t kMaxLabels = 16;
inline constexpr std::size_t kMaxLabelValueBytes = 256;
inline constexpr std::size_t kMaxTokenizeBytes = 1 << 20;
// A dataset of a million samples is legitimate.
inline constexpr std::uint64_t kMaxDatasetSamples = 10'000'000;
inline constexpr std::uint64_t kMaxDatasetBytes = std::uint64_t{64} << 30;
// BadRequest lists at most this many violations (fewer where gRPC's metadata limit is nearer) and then says how many
// more there are.
inline constexpr std::size_t kMaxFieldViolations = 1000;

// Unless --max-queued-jobs says otherwise.
inline constexpr std::uint64_t kMaxQueuedJobs = 10'000;
// Models times datasets: what one transaction makes.
inline constexpr std::size_t kMaxSweepCells = 1'000;
inline constexpr std::size_t kMaxWatchers = 1'000;
inline constexpr std::uint32_t kDefaultPageSize = 50;
inline constexpr std::uint32_t kMaxPageSize = 1'000;

inline constexpr std::uint32_t kMinBatchTokens = 16;
inline constexpr std::uint32_t kMaxBatchTokens = 1 << 20;
inline constexpr std::uint32_t kDefaultBatchTokens = 1024;
inline constexpr std::uint32_t kDefaultMaxAttempts = 5;
inline constexpr std::uint32_t kMaxMaxAttempts = 20;
// Unless --max-worker-deaths and --worker-death-window say otherwise.
inline constexpr std::uint32_t kMaxWorkerDeaths = 3;
inline constexpr absl::Duration kWorkerDeathWindow = absl::Hours(1);
inline constexpr std::uint32_t kDefaultScriptBatch = 4;

// A shard is cut at the first of these: it is what a crash loses, and what one CompleteShard carries.
inline constexpr std::uint64_t kShardTokens = 32 * 1024;
// Shards shrink towards a job's end, so that workers, about kShardsOfTheRest at most, end at the same time: each takes
// one part in kShardsOfTheRest of the tokens that are left, within kMinShardTokens and kShardTokens. Large batches make
// large shards: of one to kMaxShardBatches where that stays within kMaxShardTokens.
inline constexpr std::uint64_t kShardsOfTheRest = 32;
inline constexpr std::uint64_t kMinShardTokens = 1024;
inline constexpr std::uint64_t kMaxShardBatches = 4;
inline constexpr std::uint64_t kMaxShardTokens = 256 * 1024;
inline constexpr std::uint32_t kShardSamples = 512;
inline constexpr std::uint64_t kShardResultBytes = 64 << 20;
// Of one recorded token: longer vocabulary strings are cut. The longest of the known tokenizers, 128 spaces as a
// byte-level vocabulary spells them, takes 256.
inline constexpr std::size_t kMaxTokenStringBytes = 512;
inline constexpr std::uint32_t kPrepareShardSamples = 4096;

// Analyses: patterns in a call, all their values, and one pattern's.
inline constexpr std::size_t kMaxComparedPatterns = 1'000;
inline constexpr std::size_t kMaxBasisPatterns = 64;
inline constexpr std::uint64_t kMaxAnalysisValues = 16 << 20;
inline constexpr std::uint64_t kMaxPatternValues = 128 << 10;
inline constexpr std::uint32_t kDefaultResamples = 1'000;
inline constexpr std::uint32_t kMaxResamples = 10'000;
inline constexpr std::uint32_t kMaxPermutations = 100'000;
// Elementary steps of resamples and permutations in one call, about a nanosecond each; and what is reached without
// being asked for.
inline constexpr double kMaxAnalysisSteps = 4e11;
inline constexpr double kDefaultAnalysisSteps = 2e10;
// Values of resampled patterns that are kept at once.
inline constexpr std::uint64_t kMaxResampledValues = 32 << 20;
// Analyses that run or wait, and as many rankings.
inline constexpr std::uint32_t kMaxAnalyses = 64;
inline constexpr std::uint32_t kMaxTopHeads = 1'000;
inline constexpr std::uint64_t kMaxRankedSamples = 100'000;
inline constexpr std::uint64_t kMaxRankCandidates = 100'000;
inline constexpr std::uint64_t kMaxCandidateValues = 64 << 20;
// Samples that all rankings keep together, at the most that each may come to.
inline constexpr std::uint64_t kMaxRankingBytes = std::uint64_t{1} << 30;
inline constexpr std::size_t kMaxMixtureComponents = 1'000;

inline constexpr absl::Duration kHeartbeatInterval = absl::Seconds(5);
inline constexpr absl::Duration kSessionTtl = absl::Seconds(20);
inline constexpr absl::Duration kNoProgressTimeout = absl::Minutes(30);
inline constexpr absl::Duration kWatchHeartbeat = absl::Seconds(15);
// Unless --rank-idle-limit says otherwise.
inline constexpr absl::Duration kRankIdleLimit = absl::Minutes(1);

}  // namespace headscope
