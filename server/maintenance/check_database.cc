#include "absl/strings/str_cat.h"
#include "server/maintenance/check_steps.h"

namespace headscope::server {
namespace {

using sqlite::Database;

struct Counter {
  // For the message: "queued_shards".
  const char* name;
  // Rows of: object, what stands there, what it should be.
  const char* sql;
};

constexpr Counter kCounters[] = {
    {"queued_shards",
     "SELECT id, queued_shards, n FROM (SELECT job.id, queued_shards, (SELECT COUNT(*) FROM shard WHERE job = job.number"
     " AND state = 'QUEUED') AS n FROM job) WHERE queued_shards <> n"},
    {"leased_shards",
     "SELECT id, leased_shards, n FROM (SELECT job.id, leased_shards, (SELECT COUNT(*) FROM shard WHERE job = job.number"
     " AND state = 'LEASED') AS n FROM job) WHERE leased_shards <> n"},
    {"samples_done",
     "SELECT id, samples_done, n FROM (SELECT job.id, samples_done, (SELECT COALESCE(SUM(sample_count), 0) FROM shard"
     " WHERE job = job.number AND state = 'DONE' AND phase = 'SCORE') AS n FROM job) WHERE samples_done <> n"},
    {"tokens_done",
     "SELECT id, tokens_done, n FROM (SELECT job.id, tokens_done, (SELECT COALESCE(SUM(tokens), 0) FROM shard"
     " WHERE job = job.number AND state = 'DONE' AND phase = 'SCORE') AS n FROM job) WHERE tokens_done <> n"},
    {"samples of an invalid_reason",
     "SELECT 'preparation ' || preparation || ' ' || reason, samples, n FROM (SELECT preparation, reason, samples,"
     " (SELECT COUNT(*) FROM invalid_sample WHERE invalid_sample.preparation = invalid_reason.preparation AND"
     " invalid_sample.reason = invalid_reason.reason) AS n FROM invalid_reason) WHERE samples <> n"},
};

void CheckFile(Database& db, CheckReport& report) {
  sqlite::Rows rows = db.Query("PRAGMA integrity_check");
  while (rows.Next()) {
    if (rows.Text(0) != "ok") report.faults.push_back({"DATABASE_DAMAGED", "headscope.sqlite", rows.Text(0)});
  }
}

void CheckReferences(Database& db, CheckReport& report) {
  sqlite::Rows rows = db.Query("PRAGMA foreign_key_check");
  while (rows.Next()) {
    report.faults.push_back({"BROKEN_REFERENCE", absl::StrCat(rows.Text(0), " row ", rows.Int(1)),
                             absl::StrCat("refers to a row of ", rows.Text(2), " that is not there")});
  }
}

void CheckCounters(Database& db, CheckReport& report) {
  for (const Counter& counter : kCounters) {
    sqlite::Rows rows = db.Query(counter.sql);
    while (rows.Next()) {
      report.faults.push_back({"WRONG_COUNTER", rows.Text(0),
                               absl::StrCat(counter.name, " is ", rows.Int(1), ", its rows make ", rows.Int(2))});
    }
  }
}

}  // namespace

void CheckDatabase(Database& db, CheckReport& report) {
  db.Run("BEGIN");
  CheckFile(db, report);
  CheckReferences(db, report);
  CheckCounters(db, report);
  for (const char* table : {"job", "shard", "dataset", "pattern"}) {
    sqlite::Rows rows = db.Query(absl::StrCat("SELECT COUNT(*) FROM ", table));
    report.checked[absl::StrCat(table, "s")] = rows.Next() ? rows.Int(0) : 0;
  }
  db.Run("ROLLBACK");
  // What a damaged file answers ends every step after it, and is a fault in itself.
  if (const absl::Status error = db.TakeError(); !error.ok()) {
    report.faults.push_back({"DATABASE_DAMAGED", "headscope.sqlite", std::string(error.message())});
  }
  if (db.in_transaction()) db.Run("ROLLBACK");
  static_cast<void>(db.TakeError());
}

}  // namespace headscope::server
