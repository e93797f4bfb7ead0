// Rows of shards, and the one statement that changes a leased one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/job.h"
#include "server/jobs/state_machine.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

struct ShardRow {
  Shard shard;
  std::int64_t number = 0;
  std::int64_t job_number = 0;
  // Of the holder; empty unless leased.
  std::string session;
  std::int64_t attempt = 0;
  std::optional<absl::Time> missing_since;
  // Hex; empty unless a SCORE shard is done.
  std::string blob;
};

// Nullopt when there is none, its name not being one of a shard included.
absl::StatusOr<std::optional<ShardRow>> FindShard(Database& db, const std::string& id);
// What a session holds, oldest first.
absl::StatusOr<std::vector<ShardRow>> ShardsOfSession(Database& db, const std::string& session);

// The worker that has this session; ABORTED / STALE_SESSION.
absl::StatusOr<std::string> WorkerOf(Database& db, const SessionRef& session);
// The shard under a current lease. ABORTED / STALE_SESSION, ABORTED / STALE_LEASE.
absl::StatusOr<ShardRow> FindLeased(Database& db, const LeaseKey& lease);

// Ends a lease: `action` gives the new state, `to` the other new values (fence, counters, budget, run_after); `blob`
// goes with completion. The statement itself checks that session and fence are still those of `from`; otherwise
// STALE_LEASE.
absl::Status MoveShard(Change& change, const ShardRow& from, ShardAction action, const Shard& to,
                       const std::optional<std::string>& blob = std::nullopt);

// Deaths of workers over the shard that count now.
std::uint32_t CountDeaths(Change& change, std::int64_t shard_number);
// One more; those that count no longer are dropped.
void AddDeath(Change& change, std::int64_t shard_number);

void EndAttempt(Change& change, std::int64_t attempt, Outcome outcome, const std::string& message);

}  // namespace headscope::server::sqlite
