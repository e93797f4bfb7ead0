// Jobs as plain values. Ids are bare ("j-..."): the resource prefixes are added on the wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/headscope/options.h"

namespace headscope::client {

enum class JobState { kUnspecified, kQueued, kPreparing, kRunning, kSucceeded, kFailed, kCancelled, kExpired };

// "QUEUED", "PREPARING", "RUNNING", ...
std::string NameOf(JobState state);
std::optional<JobState> JobStateFromName(const std::string& name);
// Nothing changes any more, unless it is retried.
bool HasEnded(JobState state);

// One attribution of one dataset on one model.
struct JobSpec {
  // Relative to the model root, without "models/".
  std::string model;
  // 32 raw bytes, or empty. On submission, when set, another content under that name is refused.
  std::string model_digest;
  // Hex of its SHA-256.
  std::string dataset;
  ComputeOptions compute;
  ReductionOptions reduction;
  ExecutionOptions execution;
  std::map<std::string, std::string> labels;
};

struct JobRequest {
  JobSpec spec;
  // The same id with the same request returns the same job. Empty: one is drawn for this call.
  std::string request_id;
  // Check and resolve everything, queue nothing.
  bool validate_only = false;
};

// Counts of scored samples and real tokens, no padding.
struct Progress {
  std::uint64_t samples_done = 0;
  std::uint64_t samples_total = 0;
  std::uint64_t tokens_done = 0;
  // 0 until the job is prepared.
  std::uint64_t tokens_total = 0;
  // Of tokens_done: done before the job was retried last.
  std::uint64_t tokens_kept = 0;
  std::optional<absl::Duration> eta;
};

// A sample that the model cannot take, and why.
struct InvalidSample {
  // 0-based position in the dataset.
  std::uint32_t index = 0;
  std::string id;
  // "TOO_LONG", "TOKEN_OUT_OF_RANGE", ...
  std::string reason;
  std::string message;
};

// Why a job failed.
struct Failure {
  // "INVALID_SAMPLES", "MODEL_CHANGED", ...
  std::string reason;
  std::string message;
};

// One lease of one shard.
struct Attempt {
  // "PREPARE" or "SCORE".
  std::string phase;
  std::uint32_t shard = 0;
  std::string worker;
  // "COMPLETED", "FAILED", "RELEASED", "WORKER_LOST", "CANCELLED"; empty while it runs.
  std::string outcome;
  std::string message;
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
};

struct Job {
  std::string id;
  // As submitted, every default resolved.
  JobSpec spec;
  JobState state = JobState::kUnspecified;
  bool cancel_requested = false;
  // Why nothing happens, when nothing can.
  std::string blocked_reason;
  Progress progress;
  // In state kFailed.
  std::optional<Failure> failure;
  // The newest, oldest first; empty in lists.
  std::vector<Attempt> attempts;
  std::uint64_t attempt_count = 0;
  // Id of its pattern; empty until the job has succeeded.
  std::string pattern;
  std::uint64_t invalid_samples = 0;
  std::optional<absl::Time> create_time;
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
};

// Which jobs to list.
struct JobFilter {
  // None: all.
  std::vector<JobState> states;
  // Empty: all.
  std::string model;
  // A job must carry all of these.
  std::map<std::string, std::string> labels;
  // At most this many, newest first; 0: all.
  std::size_t limit = 0;
};

// What a watch reports: exactly one of the three, none for a sign of life.
struct JobUpdate {
  std::uint64_t sequence = 0;
  // By the server's clock.
  absl::Time time;
  std::optional<Job> snapshot;
  std::optional<Progress> progress;
  std::optional<Attempt> attempt;
};

}  // namespace headscope::client
