// Sweeps as plain values: every model on every dataset as one operation. Mirrors headscope.v1.Sweep, whose comments
// define every value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/headscope/job.h"

namespace headscope::client {

struct SweepDataset {
  // Hex of its SHA-256.
  std::string dataset;
  // Its label, another one for every dataset.
  std::string task;
};

struct SweepSpec {
  // Relative to the model root.
  std::vector<std::string> models;
  std::vector<SweepDataset> datasets;
  ComputeOptions compute;
  ReductionOptions reduction;
  ExecutionOptions execution;
  // The server adds `sweep`, `task` and `checkpoint` to every cell's.
  std::map<std::string, std::string> labels;
};

struct SweepRequest {
  SweepSpec spec;
  // The same id with the same request returns the same sweep. Empty: one is drawn for this call.
  std::string request_id;
  // Check and resolve everything, queue nothing.
  bool validate_only = false;
};

// One model on one dataset.
struct SweepCell {
  std::string model;
  std::string dataset;
  std::string task;
  // Empty: the job was deleted; nothing below is known then.
  std::string job;
  JobState state = JobState::kUnspecified;
  bool cancel_requested = false;
  std::string blocked_reason;
  Progress progress;
  std::optional<Failure> failure;
  std::uint64_t invalid_samples = 0;
  // Empty until the job has succeeded.
  std::string pattern;
};

// Cells by the state of their jobs.
struct SweepCounts {
  std::uint32_t total = 0;
  std::uint32_t queued = 0;
  std::uint32_t preparing = 0;
  std::uint32_t running = 0;
  std::uint32_t succeeded = 0;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t expired = 0;
  std::uint32_t deleted = 0;
};

struct Sweep {
  std::string id;
  // As submitted, every default resolved.
  SweepSpec spec;
  JobState state = JobState::kUnspecified;
  // Over all cells.
  Progress progress;
  SweepCounts counts;
  // Models outside, datasets inside; empty in lists.
  std::vector<SweepCell> cells;
  std::optional<absl::Time> create_time;
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
};

}  // namespace headscope::client
