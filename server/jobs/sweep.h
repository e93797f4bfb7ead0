// Sweeps: every model on every dataset, one job each, as one operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/jobs/job.h"

namespace headscope::server {

// The labels that a cell's job gets beside those of its sweep.
inline constexpr char kSweepLabel[] = "sweep";
inline constexpr char kTaskLabel[] = "task";
inline constexpr char kCheckpointLabel[] = "checkpoint";
inline constexpr std::size_t kCellLabels = 3;

struct SweepDataset {
  // SHA-256 in hex.
  std::string digest;
  // Its label.
  std::string task;
};

// Cells are numbered model by model: model * datasets + dataset.
struct SweepSpec {
  std::vector<std::string> models;
  std::vector<SweepDataset> datasets;
  // What the cells have in common: model, model_digest and dataset are empty, labels are those of the sweep.
  JobSpec common;

  std::size_t cell_count() const { return models.size() * datasets.size(); }
  const std::string& model_of(std::size_t cell) const { return models[cell / datasets.size()]; }
  const SweepDataset& dataset_of(std::size_t cell) const { return datasets[cell % datasets.size()]; }
};

// A sweep as a client submits it.
struct NewSweep {
  SweepSpec spec;
  // Of each model: 32 raw bytes to pin its cells to, or empty.
  std::vector<std::string> model_digests;
  // Empty: not idempotent.
  std::string request_id;
  // Digest of the canonical request, compared when request_id is seen again.
  std::string request_hash;
};

// Over all cells.
struct SweepCounts {
  std::uint32_t total = 0;
  std::uint32_t queued = 0;
  std::uint32_t preparing = 0;
  std::uint32_t running = 0;
  std::uint32_t succeeded = 0;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t expired = 0;
  // Their jobs were deleted.
  std::uint32_t deleted = 0;
  // Among those: jobs that had failed or expired, and cancelled ones. The rest had succeeded, or it is not known.
  std::uint32_t deleted_failed = 0;
  std::uint32_t deleted_cancelled = 0;
  // Of finished shards.
  std::uint64_t samples_done = 0;
  std::uint64_t samples_total = 0;
  std::uint64_t tokens_done = 0;
  // Of the cells that are prepared.
  std::uint64_t tokens_total = 0;
  // The first start, and the last end of a cell that has ended; of deleted jobs too.
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
};

struct Sweep {
  std::string id;  // "s-..."
  // Grows with every sweep: the order of lists.
  std::int64_t number = 0;
  SweepSpec spec;
  SweepCounts counts;
  // The jobs that the cells have now, by their numbers; nullopt: deleted. Empty in lists.
  std::vector<std::optional<Job>> cells;
  absl::Time create_time;
};

// What the job of a cell is to do. `model_digest` pins it where it is not empty.
JobSpec CellSpec(const SweepSpec& sweep, const std::string& sweep_id, std::size_t cell,
                 const std::string& model_digest);

// It has no job, or one that has ended, or will end, without a pattern, and not because of its samples: those stay
// invalid.
bool NeedsRetry(const std::optional<Job>& cell);

// QUEUED, PREPARING, RUNNING, SUCCEEDED, FAILED or CANCELLED: see headscope.v1.Sweep.state.
JobState StateOf(const SweepCounts& counts);

}  // namespace headscope::server
