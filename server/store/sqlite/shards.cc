#include "server/store/sqlite/shards.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/jobs/names.h"
#include "server/jobs/shard_id.h"
#include "server/store/sqlite/blob_codec.h"

namespace headscope::server::sqlite {
namespace {

constexpr char kSelect[] =
    "SELECT shard.number, job.id, job.number, shard.phase, shard.ordinal, shard.samples, shard.tokens,"
    " shard.batch_tokens, shard.state, shard.fence, shard.attempts, shard.run_after, shard.session,"
    " shard.attempt, shard.missing_since, shard.blob FROM shard JOIN job ON job.number = shard.job ";

absl::StatusOr<ShardRow> ReadRow(const Rows& rows) {
  ShardRow row;
  row.number = rows.Int(0);
  row.job_number = rows.Int(2);
  Shard& shard = row.shard;
  shard.job = rows.Text(1);
  shard.phase = FromName<Phase>(rows.Text(3)).value_or(Phase::kPrepare);
  shard.ordinal = rows.Uint32(4);
  shard.id = FormatShardId({shard.job, shard.phase, shard.ordinal});
  absl::StatusOr<std::vector<std::uint32_t>> samples = DecodePositions(rows.Text(5));
  if (!samples.ok()) return samples.status();
  shard.samples = *std::move(samples);
  shard.tokens = rows.Uint(6);
  shard.batch_tokens = rows.Uint32(7);
  shard.state = FromName<ShardState>(rows.Text(8)).value_or(ShardState::kAbandoned);
  shard.fence = rows.Uint(9);
  shard.attempts = rows.Uint32(10);
  shard.run_after = rows.Time(11);
  row.session = rows.Text(12);
  row.attempt = rows.Int(13);
  row.missing_since = rows.OptionalTime(14);
  row.blob = rows.Text(15);
  return row;
}

absl::Status StaleLease(const std::string& shard, std::uint64_t fence, const std::string& now) {
  return MakeError(absl::StatusCode::kAborted,
                   absl::StrCat("the lease of shard ", shard, " with fence ", fence, " is over: ", now), "STALE_LEASE");
}

}  // namespace

absl::StatusOr<std::optional<ShardRow>> FindShard(Database& db, const std::string& id) {
  const std::optional<ShardId> parsed = ParseShardId(id);
  if (!parsed) return std::nullopt;
  Rows rows = db.Query(absl::StrCat(kSelect, "WHERE job.id = ? AND shard.phase = ? AND shard.ordinal = ?"), parsed->job,
                       Name(parsed->phase), parsed->ordinal);
  if (!rows.Next()) return std::nullopt;
  absl::StatusOr<ShardRow> row = ReadRow(rows);
  if (!row.ok()) return row.status();
  return *std::move(row);
}

absl::StatusOr<std::vector<ShardRow>> ShardsOfSession(Database& db, const std::string& session) {
  std::vector<ShardRow> shards;
  Rows rows = db.Query(
      absl::StrCat(kSelect, "WHERE shard.session = ? AND shard.state = 'LEASED' ORDER BY shard.attempt"), session);
  while (rows.Next()) {
    absl::StatusOr<ShardRow> row = ReadRow(rows);
    if (!row.ok()) return row.status();
    shards.push_back(*std::move(row));
  }
  return shards;
}

absl::StatusOr<std::string> WorkerOf(Database& db, const SessionRef& session) {
  Rows rows = db.Query("SELECT worker_id FROM worker WHERE session = ? AND epoch = ?", session.session, session.epoch);
  if (rows.Next()) return rows.Text(0);
  return MakeError(absl::StatusCode::kAborted,
                   absl::StrCat("session '", session.session, "' of epoch ", session.epoch, " is over; open a new one"),
                   "STALE_SESSION");
}

absl::StatusOr<ShardRow> FindLeased(Database& db, const LeaseKey& lease) {
  if (const auto worker = WorkerOf(db, lease.session); !worker.ok()) return worker.status();
  absl::StatusOr<std::optional<ShardRow>> row = FindShard(db, lease.shard);
  if (!row.ok()) return row.status();
  if (!*row) return StaleLease(lease.shard, lease.fence, "there is no such shard");
  const ShardRow& found = **row;
  if (found.shard.state != ShardState::kLeased || found.shard.fence != lease.fence ||
      found.session != lease.session.session) {
    return StaleLease(
        lease.shard, lease.fence,
        absl::StrCat("the shard is ", std::string(Name(found.shard.state)), " with fence ", found.shard.fence));
  }
  return **std::move(row);
}

absl::Status MoveShard(Change& change, const ShardRow& from, ShardAction action, const Shard& to,
                       const std::optional<std::string>& blob) {
  const absl::StatusOr<ShardState> state = NextState(from.shard.state, action);
  if (!state.ok()) return state.status();
  const std::int64_t moved = change.db.Run(
      "UPDATE shard SET state = ?, fence = ?, attempts = ?, batch_tokens = ?, run_after = ?,"
      " blob = ?, session = NULL, attempt = NULL, missing_since = NULL"
      " WHERE number = ? AND state = 'LEASED' AND fence = ? AND session = ?",
      Name(*state), to.fence, to.attempts, to.batch_tokens, to.run_after, blob, from.number,
      from.shard.fence, from.session);
  if (moved == 1) return absl::OkStatus();
  return StaleLease(from.shard.id, from.shard.fence, "another change came first");
}

std::uint32_t CountDeaths(Change& change, std::int64_t shard_number) {
  // A clock that was set back leaves some in the future: they count, but not for ever.
  const absl::Duration window = change.options.worker_deaths.window;
  Rows rows = change.db.Query("SELECT COUNT(*) FROM worker_death WHERE shard = ? AND time > ? AND time <= ?",
                              shard_number, change.now - window, change.now + window);
  return rows.Next() ? rows.Uint32(0) : 0;
}

void AddDeath(Change& change, std::int64_t shard_number) {
  change.db.Run("DELETE FROM worker_death WHERE shard = ? AND time <= ?", shard_number,
                change.now - change.options.worker_deaths.window);
  change.db.Run("INSERT INTO worker_death(shard, time) VALUES(?, ?)", shard_number, change.now);
}

void EndAttempt(Change& change, std::int64_t attempt, Outcome outcome, const std::string& message) {
  change.db.Run("UPDATE attempt SET outcome = ?, message = ?, end_time = ? WHERE number = ?", Name(outcome), message,
                change.now, attempt);
}

}  // namespace headscope::server::sqlite
