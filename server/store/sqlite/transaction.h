// Changes in one transaction, and what they have in common.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/support/random_source.h"
#include "server/store/failpoint.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/database.h"
#include "server/store/store_options.h"

namespace headscope::server::sqlite {

// One change of the store while it is being made: what it reads and writes, when it happens, and whom to tell.
// Everything below sqlite_store.cc is given one.
struct Change {
  Database& db;
  absl::Time now;
  RandomSource& random;
  const StoreOptions& options;
  Effect effect;

  void Touched(const std::string& job) {
    if (std::find(effect.changed_jobs.begin(), effect.changed_jobs.end(), job) == effect.changed_jobs.end()) {
      effect.changed_jobs.push_back(job);
    }
  }
};

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// Runs `body` (to an absl::Status or StatusOr) in a transaction: committed, and durable, when it returns OK; otherwise
// nothing has happened. An error of the database takes the place of whatever `body` returns.
template <typename Body>
auto InTransaction(Database& db, Body body) -> decltype(body()) {
  db.Run("BEGIN IMMEDIATE");
  auto result = body();
  if (db.error().ok() && StatusOf(result).ok()) {
    Failpoint("store.before_commit");
    db.Run("COMMIT");
    Failpoint("store.after_commit");
  }
  absl::Status error = db.TakeError();
  if (db.in_transaction()) db.Run("ROLLBACK");
  // What goes wrong in rolling back is over with the transaction.
  if (absl::Status rollback = db.TakeError(); error.ok()) error = std::move(rollback);
  if (!error.ok()) return error;
  return result;
}

// The same for what only reads.
template <typename Body>
auto Reading(Database& db, Body body) -> decltype(body()) {
  auto result = body();
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  return result;
}

}  // namespace headscope::server::sqlite
