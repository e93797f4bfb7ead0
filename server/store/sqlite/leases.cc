#include "server/store/sqlite/leases.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/jobs/backoff.h"
#include "server/jobs/names.h"
#include "server/jobs/state_machine.h"
#include "server/store/sqlite/job_end.h"

namespace headscope::server::sqlite {
namespace {

std::int64_t StartAttempt(Change& change, const ShardRow& row, const std::string& worker_id) {
  change.db.Run(
      "INSERT INTO attempt(job, phase, shard, worker, device, build, start_time)"
      " SELECT ?, ?, ?, worker_id, device, build, ? FROM worker WHERE worker_id = ?",
      row.job_number, Name(row.shard.phase), row.shard.ordinal, change.now, worker_id);
  return change.db.last_insert_rowid();
}

absl::Status StartJob(Change& change, const JobRow& job, Phase phase) {
  const JobAction action = phase == Phase::kScore ? JobAction::kStart : JobAction::kPrepare;
  const absl::StatusOr<JobCondition> next = NextCondition({job.job.state, job.job.cancel_requested}, action);
  if (!next.ok()) return next.status();
  change.db.Run(
      "UPDATE job SET state = ?, start_time = CASE WHEN ?4 THEN COALESCE(start_time, ?2) ELSE start_time END,"
      " last_lease_time = ?2, attempts = attempts + 1 WHERE number = ?3",
      Name(next->state), change.now, job.job.number, phase == Phase::kScore);
  change.Touched(job.job.id);
  return absl::OkStatus();
}

bool IsLeasable(const ShardRow& row, const JobRow& job, absl::Time now) {
  return row.shard.state == ShardState::kQueued && !IsBackingOff(row.shard.run_after, now) &&
         !HasEnded(job.job.state) && !job.job.cancel_requested;
}

}  // namespace

absl::StatusOr<std::optional<Lease>> Claim(Change& change, const SessionRef& session, const std::string& shard) {
  const absl::StatusOr<std::string> worker_id = WorkerOf(change.db, session);
  if (!worker_id.ok()) return worker_id.status();
  absl::StatusOr<std::optional<ShardRow>> row = FindShard(change.db, shard);
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  const absl::StatusOr<JobRow> job = FindJob(change.db, (*row)->job_number);
  if (!job.ok()) return job.status();
  if (!IsLeasable(**row, *job, change.now)) return std::nullopt;

  const std::int64_t attempt = StartAttempt(change, **row, *worker_id);
  const std::int64_t claimed = change.db.Run(
      "UPDATE shard SET state = 'LEASED', fence = fence + 1, session = ?1, attempt = ?2 WHERE number = ?3"
      " AND state = 'QUEUED' AND EXISTS (SELECT 1 FROM worker WHERE session = ?1 AND epoch = ?4)",
      session.session, attempt, (*row)->number, session.epoch);
  if (claimed != 1) return absl::InternalError(absl::StrCat("shard ", shard, " could be leased and then could not"));
  if (absl::Status started = StartJob(change, *job, (*row)->shard.phase); !started.ok()) return started;
  Shard leased = std::move((*row)->shard);
  leased.worker_deaths = CountDeaths(change, (*row)->number);
  leased.state = ShardState::kLeased;
  leased.fence += 1;
  return Lease{std::move(leased), job->job.spec};
}

absl::StatusOr<Lease> CheckLease(Database& db, const LeaseKey& lease) {
  absl::StatusOr<std::optional<ShardRow>> row = FindShard(db, lease.shard);
  if (!row.ok()) return row.status();
  const bool handed_in =
      *row && (*row)->shard.state == ShardState::kDone && (*row)->shard.fence == lease.fence && lease.fence > 0;
  if (!handed_in) {
    absl::StatusOr<ShardRow> leased = FindLeased(db, lease);
    if (!leased.ok()) return leased.status();
    *row = *std::move(leased);
  }
  const absl::StatusOr<JobRow> job = FindJob(db, (*row)->job_number);
  if (!job.ok()) return job.status();
  return Lease{std::move((*row)->shard), job->job.spec};
}

absl::Status EndLease(Change& change, const ShardRow& row, const ShardVerdict& verdict, Outcome outcome,
                      const std::string& message) {
  const absl::StatusOr<JobRow> job = FindJob(change.db, row.job_number);
  if (!job.ok()) return job.status();
  change.Touched(job->job.id);
  if (job->job.cancel_requested) {
    EndAttempt(change, row.attempt, outcome == Outcome::kWorkerLost ? outcome : Outcome::kCancelled, message);
    absl::Status moved = MoveShard(change, row, ShardAction::kAbandon, verdict.shard);
    return moved.ok() ? StopIfIdle(change, row.job_number) : moved;
  }
  EndAttempt(change, row.attempt, outcome, message);
  absl::Status moved = MoveShard(change, row, ShardAction::kRequeue, verdict.shard);
  if (!moved.ok()) return moved;
  if (verdict.job_failure) return EndJob(change, *job, JobAction::kFail, verdict.job_failure);
  change.effect.work_available = true;
  return absl::OkStatus();
}

absl::Status FailLease(Change& change, const LeaseKey& lease, const ShardFailure& failure) {
  const absl::StatusOr<ShardRow> row = FindLeased(change.db, lease);
  if (!row.ok()) return row.status();
  const absl::StatusOr<JobRow> job = FindJob(change.db, row->job_number);
  if (!job.ok()) return job.status();
  const ShardVerdict verdict = AfterFailure(row->shard, failure, job->job.spec.max_attempts, change.now, change.random);
  return EndLease(change, *row, verdict, Outcome::kFailed,
                  absl::StrCat(failure.failure.reason, ": ", failure.failure.message));
}

absl::Status ReleaseLease(Change& change, const LeaseKey& lease, const std::string& why) {
  const absl::StatusOr<ShardRow> row = FindLeased(change.db, lease);
  if (!row.ok()) return row.status();
  const ShardVerdict verdict{AfterRelease(row->shard, /*taken=*/false), std::nullopt};
  return EndLease(change, *row, verdict, Outcome::kReleased, why);
}

}  // namespace headscope::server::sqlite
