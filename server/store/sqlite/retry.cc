#include "server/store/sqlite/retry.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/jobs/backoff.h"
#include "server/jobs/names.h"
#include "server/jobs/state_machine.h"
#include "server/store/sqlite/job_end.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/submit.h"

namespace headscope::server::sqlite {
namespace {

absl::Status Refusal(const char* reason, const std::string& message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, message, reason);
}

absl::Status CheckRetryable(const Job& job) {
  if (!HasEnded(job.state)) {
    return Refusal("JOB_NOT_ENDED", absl::StrCat("job '", job.id, "' is ", std::string(Name(job.state)),
                                                 "; only jobs that have ended without a result are retried: it goes on"));
  }
  if (job.state == JobState::kSucceeded) {
    return Refusal("JOB_NOT_RETRYABLE", absl::StrCat("job '", job.id, "' has SUCCEEDED, nothing of it is left to do"));
  }
  if (IsRetryable(job)) return absl::OkStatus();
  return Refusal("JOB_NOT_RETRYABLE",
                 absl::StrCat("job '", job.id, "' failed because of its samples, which would be invalid again: ",
                              job.failure->message, "; submit it with on_invalid SKIP, or on other samples"));
}

// The job alone; its shards follow, which must not wait while it has ended.
void QueueAgain(Change& change, const Job& job, JobState state) {
  std::optional<absl::Time> deadline;
  if (job.spec.queue_ttl) deadline = change.now + *job.spec.queue_ttl;
  change.db.Run(
      "UPDATE job SET state = ?1, cancel_requested = 0, failure_reason = NULL, failure_message = NULL, end_time = NULL,"
      " start_time = NULL, last_lease_time = NULL, queue_time = ?2, queue_deadline = ?3, tokens_kept = tokens_done"
      " WHERE number = ?4",
      Name(state), change.now, deadline, job.number);
  change.Touched(job.id);
}

bool HasDoneShard(Database& db, std::int64_t job_number) {
  Rows rows = db.Query("SELECT 1 FROM shard WHERE job = ? AND state = 'DONE' LIMIT 1", job_number);
  return rows.Next();
}

// Of the phase that the job is in: what was left of PREPARE is over where token counts came from elsewhere.
void QueueShards(Change& change, const Job& job) {
  const std::string_view phase = Name(job.prepared ? Phase::kScore : Phase::kPrepare);
  change.db.Run(
      "DELETE FROM worker_death WHERE shard IN"
      " (SELECT number FROM shard WHERE job = ? AND phase = ? AND state = 'ABANDONED')",
      job.number, phase);
  change.db.Run(
      "UPDATE shard SET state = 'QUEUED', attempts = 0, run_after = ?, missing_since = NULL"
      " WHERE job = ? AND phase = ? AND state = 'ABANDONED'",
      kNoBackoff, job.number, phase);
  change.effect.work_available = true;
}

}  // namespace

absl::Status RetryJob(Change& change, const std::string& id) {
  absl::StatusOr<JobRow> row = FindJob(change.db, id);
  if (!row.ok()) return row.status();
  if (row->job.cancel_requested && !HasEnded(row->job.state)) {
    if (absl::Status stopped = EndJob(change, *row, JobAction::kStop); !stopped.ok()) return stopped;
    row = FindJob(change.db, id);
    if (!row.ok()) return row.status();
  }
  if (absl::Status retryable = CheckRetryable(row->job); !retryable.ok()) return retryable;
  if (absl::Status room = CheckRoom(change, 1); !room.ok()) return room;
  const auto next = NextCondition({row->job.state, row->job.cancel_requested}, JobAction::kRetry);
  if (!next.ok()) return next.status();
  QueueAgain(change, row->job, next->state);
  if (!row->job.prepared && !HasDoneShard(change.db, row->job.number)) {
    const absl::StatusOr<bool> planned = PlanFromReused(change, *row);
    if (!planned.ok() || *planned) return planned.status();
  }
  QueueShards(change, row->job);
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
