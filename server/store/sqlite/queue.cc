#include "server/store/sqlite/queue.h"

#include <algorithm>
#include <string>

#include "server/jobs/shard_id.h"

namespace headscope::server::sqlite {

std::vector<Candidate> Candidates(Database& db, absl::Time now) {
  std::vector<Candidate> candidates;
  Rows rows = db.Query(
      "SELECT id, number, prepared, model, model_digest, priority, leased_shards,"
      " COALESCE(last_lease_time, create_time),"
      " (SELECT ordinal FROM shard WHERE shard.job = job.number"
      "   AND phase = CASE WHEN prepared THEN 'SCORE' ELSE 'PREPARE' END AND shard.state = 'QUEUED'"
      "   AND run_after <= ? ORDER BY ordinal LIMIT 1) AS ordinal"
      " FROM job WHERE queued_shards > 0 AND NOT cancel_requested ORDER BY number",
      now);
  while (rows.Next()) {
    if (rows.IsNull(8)) continue;
    Candidate& candidate = candidates.emplace_back();
    candidate.job = rows.Text(0);
    candidate.job_number = rows.Int(1);
    candidate.phase = rows.Bool(2) ? Phase::kScore : Phase::kPrepare;
    candidate.shard = FormatShardId({candidate.job, candidate.phase, rows.Uint32(8)});
    candidate.model = rows.Text(3);
    candidate.model_digest = rows.Text(4);
    candidate.priority = static_cast<std::int32_t>(rows.Int(5));
    candidate.leased_shards = rows.Uint32(6);
    candidate.waited = std::max(now - rows.Time(7), absl::ZeroDuration());
  }
  return candidates;
}

std::optional<absl::Time> NextRunAfter(Database& db, absl::Time now) {
  Rows rows = db.Query("SELECT MIN(run_after) FROM shard WHERE state = 'QUEUED' AND run_after > ?", now);
  if (!rows.Next()) return std::nullopt;
  return rows.OptionalTime(0);
}

QueueStats Stats(Database& db, absl::Time now) {
  QueueStats stats;
  Rows depth =
      db.Query("SELECT model, priority, SUM(queued_shards) FROM job WHERE queued_shards > 0 GROUP BY model, priority");
  while (depth.Next()) stats.depth[{depth.Text(0), static_cast<std::int32_t>(depth.Int(1))}] = depth.Uint(2);
  Rows age = db.Query("SELECT model, MIN(create_time), COUNT(*) FROM job WHERE state = 'QUEUED' GROUP BY model");
  while (age.Next()) {
    stats.oldest_age[age.Text(0)] = std::max(now - age.Time(1), absl::ZeroDuration());
    stats.queued_jobs += age.Uint(2);
  }
  Rows leases = db.Query("SELECT COUNT(*) FROM shard WHERE state = 'LEASED'");
  if (leases.Next()) stats.leases_active = leases.Uint(0);
  return stats;
}

}  // namespace headscope::server::sqlite
