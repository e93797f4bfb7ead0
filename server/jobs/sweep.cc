#include "server/jobs/sweep.h"

#include "proto/support/limits.h"

namespace headscope::server {

JobSpec CellSpec(const SweepSpec& sweep, const std::string& sweep_id, std::size_t cell,
                 const std::string& model_digest) {
  JobSpec spec = sweep.common;
  spec.model = sweep.model_of(cell);
  spec.model_digest = model_digest;
  spec.dataset = sweep.dataset_of(cell).digest;
  spec.labels[kSweepLabel] = sweep_id;
  spec.labels[kTaskLabel] = sweep.dataset_of(cell).task;
  // A longer path is no label's value.
  if (spec.model.size() <= kMaxLabelValueBytes) spec.labels[kCheckpointLabel] = spec.model;
  return spec;
}

bool NeedsRetry(const std::optional<Job>& cell) {
  if (!cell) return true;
  if (!HasEnded(cell->state)) return cell->cancel_requested;
  return cell->state != JobState::kSucceeded && IsRetryable(*cell);
}

JobState StateOf(const SweepCounts& counts) {
  if (counts.queued + counts.preparing + counts.running > 0) {
    if (counts.start_time) return JobState::kRunning;
    return counts.preparing > 0 ? JobState::kPreparing : JobState::kQueued;
  }
  if (counts.failed + counts.expired + counts.deleted_failed > 0) return JobState::kFailed;
  return counts.cancelled + counts.deleted_cancelled > 0 ? JobState::kCancelled : JobState::kSucceeded;
}

}  // namespace headscope::server
