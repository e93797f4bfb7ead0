#include "server/store/sqlite/tidy.h"

#include "proto/support/error.h"
#include "proto/support/log.h"

namespace headscope::server::sqlite {
namespace {

constexpr std::int64_t kIncremental = 2;

void RunAll(Database& db, const char* sql) {
  Rows rows = db.Query(sql);
  while (rows.Next()) {
  }
}

}  // namespace

absl::Status ShrinkWhenDeleting(Database& db) {
  {
    Rows rows = db.Query("PRAGMA auto_vacuum");
    if (rows.Next() && rows.Int(0) == kIncremental) return db.TakeError();
  }
  db.Script("PRAGMA auto_vacuum=INCREMENTAL; VACUUM");
  const absl::Status rewritten = db.TakeError();
  if (ReasonOf(rewritten) != "DISK_FULL") return rewritten;
  Log(LogLevel::kWarning, "no room to rewrite the job store; room of what is deleted stays with it until a later start",
      {{"status", rewritten}});
  return absl::OkStatus();
}

absl::Status Tidy(Database& db) {
  RunAll(db, "PRAGMA incremental_vacuum");
  RunAll(db, "PRAGMA optimize");
  // A backup that reads is not waited for: the next time will do.
  RunAll(db, "PRAGMA busy_timeout=0");
  RunAll(db, "PRAGMA wal_checkpoint(TRUNCATE)");
  RunAll(db, "PRAGMA busy_timeout=5000");
  return db.TakeError();
}

}  // namespace headscope::server::sqlite
