#include "server/store/sqlite/queue.h"

#include <algorithm>
#include <string>

#include "server/jobs/backoff.h"
#include "server/jobs/names.h"
#include "server/jobs/shard_id.h"

namespace headscope::server::sqlite {

namespace {

// Jobs of one kind, between which a worker's models make no difference.
struct Kind {
  std::string model;
  bool prepared = false;
  std::string model_digest;
};

// However many jobs wait, this many of a kind are looked at: the first by priority, fairness and age.
constexpr int kCandidatesOfAKind = 32;

std::vector<Kind> WaitingKinds(Database& db) {
  std::vector<Kind> kinds;
  Rows rows =
      db.Query("SELECT DISTINCT model, prepared, model_digest FROM job INDEXED BY job_waiting WHERE queued_shards > 0");
  while (rows.Next()) kinds.push_back({rows.Text(0), rows.Bool(1), rows.Text(2)});
  return kinds;
}

void AppendCandidates(Database& db, const Kind& kind, absl::Time now, std::vector<Candidate>& candidates) {
  const Phase phase = kind.prepared ? Phase::kScore : Phase::kPrepare;
  Rows rows = db.Query(
      "SELECT id, number, priority, leased_shards, COALESCE(last_lease_time, queue_time),"
      " (SELECT ordinal FROM shard WHERE shard.job = job.number AND phase = ?1 AND shard.state = 'QUEUED'"
      "   AND (run_after <= ?2 OR run_after > ?7) ORDER BY ordinal LIMIT 1) AS next"
      " FROM job INDEXED BY job_waiting"
      " WHERE queued_shards > 0 AND model = ?3 AND prepared = ?4 AND model_digest = ?5 AND next IS NOT NULL"
      " ORDER BY priority DESC, leased_shards, number LIMIT ?6",
      Name(phase), now, kind.model, kind.prepared, Blob{kind.model_digest}, kCandidatesOfAKind, now + kBackoffHorizon);
  while (rows.Next()) {
    Candidate& candidate = candidates.emplace_back();
    candidate.job = rows.Text(0);
    candidate.job_number = rows.Int(1);
    candidate.phase = phase;
    candidate.shard = FormatShardId({candidate.job, phase, rows.Uint32(5)});
    candidate.model = kind.model;
    candidate.model_digest = kind.model_digest;
    candidate.priority = static_cast<std::int32_t>(rows.Int(2));
    candidate.leased_shards = rows.Uint32(3);
    candidate.waited = std::max(now - rows.Time(4), absl::ZeroDuration());
  }
}

}  // namespace

std::vector<Candidate> Candidates(Database& db, absl::Time now) {
  std::vector<Candidate> candidates;
  for (const Kind& kind : WaitingKinds(db)) AppendCandidates(db, kind, now, candidates);
  return candidates;
}

std::optional<absl::Time> NextRunAfter(Database& db, absl::Time now) {
  Rows rows = db.Query("SELECT MIN(run_after) FROM shard WHERE state = 'QUEUED' AND run_after > ? AND run_after <= ?",
                       now, now + kBackoffHorizon);
  if (!rows.Next()) return std::nullopt;
  return rows.OptionalTime(0);
}

QueueStats Stats(Database& db, absl::Time now) {
  QueueStats stats;
  Rows depth = db.Query("SELECT model, priority, COUNT(*) FROM job WHERE state IN ('QUEUED', 'PREPARING') GROUP BY model, priority");
  while (depth.Next()) stats.depth[{depth.Text(0), static_cast<std::int32_t>(depth.Int(1))}] = depth.Uint(2);
  Rows shards = db.Query(
      "SELECT model, priority, SUM(queued_shards) FROM job INDEXED BY job_waiting WHERE queued_shards > 0"
      " GROUP BY model, priority");
  while (shards.Next()) stats.shards[{shards.Text(0), static_cast<std::int32_t>(shards.Int(1))}] = shards.Uint(2);
  Rows age = db.Query("SELECT model, MIN(queue_time), COUNT(*) FROM job WHERE state IN ('QUEUED', 'PREPARING') GROUP BY model");
  while (age.Next()) {
    stats.oldest_age[age.Text(0)] = std::max(now - age.Time(1), absl::ZeroDuration());
    stats.queued_jobs += age.Uint(2);
  }
  Rows leases = db.Query("SELECT COUNT(*) FROM shard WHERE state = 'LEASED'");
  if (leases.Next()) stats.leases_active = leases.Uint(0);
  return stats;
}

void MoveQueueTimes(Database& db, absl::Duration by) {
  db.Run(
      "UPDATE job SET queue_time = queue_time + ?1, queue_deadline = queue_deadline + ?1"
      " WHERE state IN ('QUEUED', 'PREPARING')",
      by);
}

}  // namespace headscope::server::sqlite
