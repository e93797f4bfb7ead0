// Jobs, shards and attempts as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/jobs/options.h"

namespace headscope::server {

// kPreparing: work on it has begun, and no shard of it has been leased to be scored.
enum class JobState { kQueued, kPreparing, kRunning, kSucceeded, kFailed, kCancelled, kExpired };
constexpr bool HasEnded(JobState state) { return state > JobState::kRunning; }
// It waits for a worker to score it: what queue limits, queue_ttl and the metrics of the queue count.
constexpr bool IsWaiting(JobState state) { return state == JobState::kQueued || state == JobState::kPreparing; }

struct JobSpec {
  // Path relative to the model root.
  std::string model;
  // 32 raw bytes, or empty until the job is pinned.
  std::string model_digest;
  // SHA-256 of the dataset in hex.
  std::string dataset;
  ComputeOptions compute;
  ReductionOptions reduction;
  std::int32_t priority = 0;
  // Absent before preparation where the client left it to the server.
  std::optional<std::uint32_t> batch_tokens;
  std::optional<absl::Duration> queue_ttl;
  std::uint32_t max_attempts = 5;
  std::map<std::string, std::string> labels;
};

// What a job's pattern says of its model, as it was when the job was pinned: models come and go.
struct ModelFacts {
  std::string family;
  std::string stored_dtype;
  // 0: unknown.
  std::uint32_t kv_heads = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t head_dim = 0;
  friend bool operator==(const ModelFacts&, const ModelFacts&) = default;
};

// A job as a client submits it.
struct NewJob {
  JobSpec spec;
  // Empty: not idempotent.
  std::string request_id;
  // Digest of the canonical request, compared when request_id is seen again.
  std::string request_hash;
};

struct JobFailure {
  // See headscope.v1.Failure.reason.
  std::string reason;
  std::string message;
};

// Of completed shards; a worker's report on running ones is added by who shows it.
struct JobCounts {
  std::uint64_t samples_done = 0;
  // Scored samples in all; the dataset's before preparation.
  std::uint64_t samples_total = 0;
  std::uint64_t tokens_done = 0;
  std::uint64_t tokens_total = 0;
  std::uint64_t response_tokens = 0;
  std::uint64_t invalid_samples = 0;
  std::uint64_t attempts = 0;
  std::uint64_t halved_shards = 0;
};

struct Job {
  std::string id;  // "j-..."
  // Grows with every job: the order of lists.
  std::int64_t number = 0;
  JobSpec spec;
  // Empty until the job is pinned.
  ModelFacts model;
  JobState state = JobState::kQueued;
  bool prepared = false;
  bool cancel_requested = false;
  std::optional<JobFailure> failure;
  JobCounts counts;
  absl::Time create_time;
  // When it was submitted, or retried last: what its wait is counted from.
  absl::Time queue_time;
  // Done before it was retried last, of counts.tokens_done: no part of the present rate.
  std::uint64_t tokens_kept = 0;
  // When a shard of it was first leased to be scored, since queue_time.
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
};

inline constexpr char kInvalidSamples[] = "INVALID_SAMPLES";
inline constexpr char kModelChanged[] = "MODEL_CHANGED";

// What it failed for may be otherwise next time. Samples that were invalid will be so again.
inline bool IsRetryable(const Job& job) { return !job.failure || job.failure->reason != kInvalidSamples; }

enum class Phase { kPrepare, kScore };
enum class ShardState { kQueued, kLeased, kDone, kAbandoned };

// The unit that is leased, retried and resumed: an explicit list of a job's samples.
struct Shard {
  std::string id;  // "<job id>.p0", "<job id>.s17"
  std::string job;
  Phase phase = Phase::kPrepare;
  std::uint32_t ordinal = 0;
  // Positions in the dataset, ascending.
  std::vector<std::uint32_t> samples;
  // Tokens of all samples; 0 in PREPARE.
  std::uint64_t tokens = 0;
  std::uint32_t batch_tokens = 0;
  ShardState state = ShardState::kQueued;
  // +1 at every claim and every reap; only the holder of the current one may complete.
  std::uint64_t fence = 0;
  // Attempts that count: not those released or lost with their worker.
  std::uint32_t attempts = 0;
  // Of the last while (StoreOptions.worker_death_window); known where it matters: when it is leased and when it is lost.
  std::uint32_t worker_deaths = 0;
  // Not leased before this (back-off); kNoBackoff (backoff.h) where none is meant.
  absl::Time run_after;
};

enum class Outcome { kRunning, kCompleted, kFailed, kReleased, kWorkerLost, kCancelled };

// One lease of one shard.
struct Attempt {
  Phase phase = Phase::kPrepare;
  std::uint32_t shard = 0;
  std::string worker;
  std::string device;
  std::string build;
  Outcome outcome = Outcome::kRunning;
  std::string message;
  absl::Time start_time;
  std::optional<absl::Time> end_time;
};

struct InvalidSample {
  // Position in the dataset.
  std::uint32_t index = 0;
  std::string id;
  // See headscope.v1.InvalidSample.reason.
  std::string reason;
  std::string message;
};

// What PREPARE found out about one valid sample.
struct PreparedSample {
  std::uint32_t index = 0;
  std::uint32_t tokens = 0;
  std::uint32_t prompt_tokens = 0;
};

struct DatasetRecord {
  // SHA-256 in hex: name and blob at once.
  std::string digest;
  std::uint64_t sample_count = 0;
  std::uint64_t size_bytes = 0;
  std::string display_name;
  absl::Time create_time;
  std::int64_t number = 0;
};

// One model directory beneath a worker's root. Mirrors headscope.worker.v1.CatalogueEntry.
struct CatalogueEntry {
  std::string model;
  std::string digest;  // 32 raw bytes or empty
  std::string family;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_dim = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t positions = 0;
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  std::string stored_dtype;
  bool has_tokenizer = false;
  std::string unsupported;
  std::string tokenizer_unsupported;
  std::string tokenizer_digest;
  // 0: the worker does not say.
  std::uint32_t batch_tokens = 0;
  // headscope.v1.ModelDetails as bytes, for whom it concerns; "" where there are none.
  std::string details;
  friend bool operator==(const CatalogueEntry&, const CatalogueEntry&) = default;
};

}  // namespace headscope::server
