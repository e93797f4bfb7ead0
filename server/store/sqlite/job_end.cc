#include "server/store/sqlite/job_end.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/jobs/names.h"
#include "server/store/sqlite/blobs.h"
#include "server/store/sqlite/requests.h"

namespace headscope::server::sqlite {
namespace {

// Queued ones only: leased ones go on until their holders let go.
void AbandonQueuedShards(Change& change, std::int64_t job_number) {
  change.db.Run("UPDATE shard SET state = 'ABANDONED' WHERE job = ? AND state = 'QUEUED'", job_number);
}

void AbandonLeasedShards(Change& change, std::int64_t job_number) {
  change.db.Run(
      "UPDATE attempt SET outcome = 'CANCELLED', end_time = ? WHERE number IN"
      " (SELECT attempt FROM shard WHERE job = ? AND state = 'LEASED')",
      change.now, job_number);
  change.db.Run(
      "UPDATE shard SET state = 'ABANDONED', fence = fence + 1, session = NULL, attempt = NULL, missing_since = NULL"
      " WHERE job = ? AND state = 'LEASED'",
      job_number);
}

JobCondition ConditionOf(const Job& job) { return {job.state, job.cancel_requested}; }

}  // namespace

absl::Status EndJob(Change& change, const JobRow& row, JobAction action, const std::optional<JobFailure>& failure) {
  const absl::StatusOr<JobCondition> next = NextCondition(ConditionOf(row.job), action);
  if (!next.ok()) return next.status();
  AbandonQueuedShards(change, row.job.number);
  AbandonLeasedShards(change, row.job.number);
  std::optional<std::string> reason;
  std::optional<std::string> message;
  if (failure) {
    reason = failure->reason;
    message = failure->message;
  }
  change.db.Run(
      "UPDATE job SET state = ?, cancel_requested = ?, failure_reason = ?, failure_message = ?, end_time = ?"
      " WHERE number = ?",
      Name(next->state), next->cancel_requested, reason, message, change.now, row.job.number);
  change.Touched(row.job.id);
  return absl::OkStatus();
}

absl::Status StopIfIdle(Change& change, std::int64_t job_number) {
  const absl::StatusOr<JobRow> row = FindJob(change.db, job_number);
  if (!row.ok()) return row.status();
  const bool stopping = row->job.cancel_requested && !HasEnded(row->job.state);
  if (!stopping || row->leased_shards > 0) return absl::OkStatus();
  return EndJob(change, *row, JobAction::kStop);
}

absl::Status CancelJob(Change& change, const std::string& id) {
  const absl::StatusOr<JobRow> row = FindJob(change.db, id);
  if (!row.ok()) return row.status();
  if (HasEnded(row->job.state) || row->job.cancel_requested) return absl::OkStatus();
  if (row->job.state == JobState::kQueued) return EndJob(change, *row, JobAction::kCancel);
  const absl::StatusOr<JobCondition> next = NextCondition(ConditionOf(row->job), JobAction::kCancel);
  if (!next.ok()) return next.status();
  change.db.Run("UPDATE job SET cancel_requested = ? WHERE number = ?", next->cancel_requested, row->job.number);
  change.Touched(id);
  AbandonQueuedShards(change, row->job.number);
  return StopIfIdle(change, row->job.number);
}

absl::Status FailJob(Change& change, const std::string& id, const JobFailure& failure) {
  const absl::StatusOr<JobRow> row = FindJob(change.db, id);
  if (!row.ok()) return row.status();
  if (HasEnded(row->job.state) || row->job.cancel_requested) return absl::OkStatus();
  return EndJob(change, *row, JobAction::kFail, failure);
}

absl::Status ExpireJobs(Change& change) {
  std::vector<std::int64_t> expired;
  {
    Rows rows = change.db.Query(
        "SELECT number FROM job WHERE state IN ('QUEUED', 'PREPARING') AND queue_deadline IS NOT NULL"
        " AND queue_deadline <= ? AND NOT cancel_requested",
        change.now);
    while (rows.Next()) expired.push_back(rows.Int(0));
  }
  for (const std::int64_t number : expired) {
    const absl::StatusOr<JobRow> row = FindJob(change.db, number);
    if (!row.ok()) return row.status();
    if (absl::Status status = EndJob(change, *row, JobAction::kExpire); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status DeleteJob(Change& change, const std::string& id) {
  const absl::StatusOr<JobRow> row = FindJob(change.db, id);
  if (!row.ok()) return row.status();
  if (!HasEnded(row->job.state)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("job '", id, "' is ", std::string(Name(row->job.state)),
                                  "; only jobs that have ended are deleted: cancel it first"),
                     "JOB_NOT_ENDED");
  }
  std::vector<std::string> blobs;
  {
    Rows rows = change.db.Query("SELECT DISTINCT blob FROM shard WHERE job = ? AND blob IS NOT NULL", row->job.number);
    while (rows.Next()) blobs.push_back(rows.Text(0));
  }
  change.db.Run("DELETE FROM job WHERE number = ?", row->job.number);
  MarkDeleted(change.db, change.now, Made::kJob, id);
  // Kept where it serves later jobs; it goes with its dataset.
  change.db.Run(
      "DELETE FROM preparation WHERE number = ?1 AND NOT reusable"
      " AND NOT EXISTS (SELECT 1 FROM job WHERE preparation = ?1)",
      row->preparation);
  for (const std::string& blob : blobs) ReleaseBlob(change.db, blob);
  change.db.Run("UPDATE dataset SET use_time = MAX(use_time, ?) WHERE digest = ?", change.now, row->job.spec.dataset);
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
