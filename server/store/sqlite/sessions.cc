#include "server/store/sqlite/sessions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "proto/support/limits.h"
#include "server/jobs/shard_rules.h"
#include "server/jobs/worker_id.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/leases.h"
#include "server/store/sqlite/shards.h"

namespace headscope::server::sqlite {
namespace {

// Longer than any answer takes that grants a lease and is not lost.
absl::Duration MissingGrace() { return 2 * kHeartbeatInterval; }

// Why the leases of a session end.
enum class Ending {
  // In order, or the same process opened a new one.
  kRelease,
  // The process is gone: the shard may be at fault.
  kDeath,
  // The process is gone while it computed another shard; this one was leased ahead.
  kDeathOnAnother,
  // The server was restarted and took its local workers with it.
  kRestart,
};

absl::Status EndSessionLease(Change& change, const ShardRow& row, Ending ending) {
  switch (ending) {
    case Ending::kDeath: {
      Shard shard = row.shard;
      shard.worker_deaths = CountDeaths(change, row.number);
      AddDeath(change, row.number);
      return EndLease(change, row, AfterWorkerDeath(std::move(shard), change.options.worker_deaths),
                      Outcome::kWorkerLost, "");
    }
    case Ending::kDeathOnAnother:
      return EndLease(change, row, {AfterRelease(row.shard, /*taken=*/true), std::nullopt}, Outcome::kReleased,
                      "leased ahead by a worker that was lost with an older shard");
    case Ending::kRestart:
      return EndLease(change, row, {AfterRelease(row.shard, /*taken=*/true), std::nullopt}, Outcome::kWorkerLost,
                      "the server was restarted");
    case Ending::kRelease:
      return EndLease(change, row, {AfterRelease(row.shard, /*taken=*/true), std::nullopt}, Outcome::kReleased, "");
  }
  return absl::OkStatus();
}

absl::Status EndSession(Change& change, const std::string& session, Ending ending) {
  // Ending one lease may end its job and with it other leases in the list: look again before each.
  bool score_is_blamed = false;
  for (;;) {
    const absl::StatusOr<std::vector<ShardRow>> held = ShardsOfSession(change.db, session);
    if (!held.ok()) return held.status();
    if (held->empty()) break;
    const ShardRow& oldest = held->front();
    const bool score = oldest.shard.phase == Phase::kScore;
    const bool innocent = ending == Ending::kDeath && score && std::exchange(score_is_blamed, true);
    absl::Status ended = EndSessionLease(change, oldest, innocent ? Ending::kDeathOnAnother : ending);
    if (!ended.ok()) return ended;
  }
  change.db.Run("UPDATE worker SET session = NULL, expire_time = ? WHERE session = ?", change.now, session);
  return absl::OkStatus();
}

absl::Status EndSessions(Change& change, const std::vector<std::string>& sessions, Ending ending) {
  for (const std::string& session : sessions) {
    if (absl::Status ended = EndSession(change, session, ending); !ended.ok()) return ended;
  }
  return absl::OkStatus();
}

std::vector<std::string> Sessions(Rows rows) {
  std::vector<std::string> sessions;
  while (rows.Next()) sessions.push_back(rows.Text(0));
  return sessions;
}

// A lease of a living session that its heartbeat does not name.
absl::Status MissLease(Change& change, const ShardRow& row, bool cancelling) {
  if (cancelling || (row.missing_since && change.now - *row.missing_since >= MissingGrace())) {
    return EndSessionLease(change, row, Ending::kRelease);
  }
  if (!row.missing_since) {
    change.db.Run("UPDATE shard SET missing_since = ? WHERE number = ?", change.now, row.number);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SessionRef> OpenSession(Change& change, const WorkerDescription& worker) {
  std::uint64_t epoch = 0;
  std::vector<std::string> former;
  Ending ending = Ending::kDeath;
  {
    Rows rows = change.db.Query("SELECT epoch, session, boot_id, expire_time FROM worker WHERE worker_id = ?",
                                worker.worker_id);
    if (rows.Next()) {
      epoch = rows.Uint(0);
      if (!rows.IsNull(1)) former.push_back(rows.Text(1));
      if (rows.Text(2) == worker.boot_id) ending = Ending::kRelease;
      // A clock that was set back makes nobody wait for longer than a session lives.
      const absl::Duration left = std::min(rows.Time(3) - change.now, kSessionTtl);
      const bool alive = !former.empty() && left > absl::ZeroDuration();
      if (alive && ending == Ending::kDeath && !worker.local) return WorkerIdInUse(worker.worker_id, left);
    }
  }
  if (absl::Status ended = EndSessions(change, former, ending); !ended.ok()) return ended;
  const SessionRef session{MakeId("w-", change.random), epoch + 1};
  change.db.Run(
      "INSERT INTO worker(worker_id, session, epoch, boot_id, build, device, local, expire_time)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(worker_id) DO UPDATE SET session = excluded.session,"
      " epoch = excluded.epoch, boot_id = excluded.boot_id, build = excluded.build, device = excluded.device,"
      " local = excluded.local, expire_time = excluded.expire_time",
      worker.worker_id, session.session, session.epoch, Blob{worker.boot_id}, worker.build, worker.device, worker.local,
      change.now + kSessionTtl);
  return session;
}

absl::StatusOr<std::vector<std::pair<std::string, std::uint64_t>>> Heartbeat(
    Change& change, const SessionRef& session, const std::vector<std::pair<std::string, std::uint64_t>>& held) {
  if (const auto worker = WorkerOf(change.db, session); !worker.ok()) return worker.status();
  KeepSessions(change, {session.session});
  auto abandon = held;
  const absl::StatusOr<std::vector<ShardRow>> shards = ShardsOfSession(change.db, session.session);
  if (!shards.ok()) return shards.status();
  for (const ShardRow& row : *shards) {
    const absl::StatusOr<JobRow> job = FindJob(change.db, row.job_number);
    if (!job.ok()) return job.status();
    const auto named = std::find(held.begin(), held.end(), std::make_pair(row.shard.id, row.shard.fence));
    if (named == held.end()) {
      if (absl::Status missed = MissLease(change, row, job->job.cancel_requested); !missed.ok()) return missed;
      continue;
    }
    if (row.missing_since) {
      change.db.Run("UPDATE shard SET missing_since = NULL WHERE number = ?", row.number);
    }
    // Still the worker's, and wanted.
    if (!job->job.cancel_requested) std::erase(abandon, *named);
  }
  return abandon;
}

absl::StatusOr<WorkerDescription> DescribeSession(Database& db, const SessionRef& session) {
  Rows rows = db.Query("SELECT worker_id, boot_id, build, device, local FROM worker WHERE session = ? AND epoch = ?",
                       session.session, session.epoch);
  if (!rows.Next()) return WorkerOf(db, session).status();
  return WorkerDescription{rows.Text(0), rows.Text(1), rows.Text(2), rows.Text(3), rows.Bool(4)};
}

absl::Status CloseSession(Change& change, const SessionRef& session) {
  if (const auto worker = WorkerOf(change.db, session); !worker.ok()) return worker.status();
  return EndSession(change, session.session, Ending::kRelease);
}

absl::Status LoseWorker(Change& change, const std::string& worker_id) {
  return EndSessions(
      change,
      Sessions(change.db.Query("SELECT session FROM worker WHERE worker_id = ? AND session IS NOT NULL", worker_id)),
      Ending::kDeath);
}

absl::Status ReapSessions(Change& change) {
  return EndSessions(change,
                     Sessions(change.db.Query(
                         "SELECT session FROM worker WHERE session IS NOT NULL AND expire_time <= ?", change.now)),
                     Ending::kDeath);
}

void KeepSessions(Change& change, const std::vector<std::string>& sessions) {
  // A row is for the next start of the server; while this one runs, memory decides.
  const absl::Time renewed = change.now + kSessionTtl;
  for (const std::string& session : sessions) {
    change.db.Run("UPDATE worker SET expire_time = ?1 WHERE session = ?2 AND expire_time NOT BETWEEN ?3 AND ?1", renewed,
                  session, renewed - kSessionTtl / 3);
  }
}

void ExtendSessions(Change& change) {
  change.db.Run("UPDATE worker SET expire_time = ? WHERE session IS NOT NULL", change.now + kSessionTtl);
}

absl::Status ResumeSessions(Change& change) {
  const absl::Status ended =
      EndSessions(change, Sessions(change.db.Query("SELECT session FROM worker WHERE session IS NOT NULL AND local")),
                  Ending::kRestart);
  if (!ended.ok()) return ended;
  ExtendSessions(change);
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
