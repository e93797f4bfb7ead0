#include "server/store/sqlite/migrations.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {
namespace {

std::int64_t StoredVersion(Database& db) {
  db.Script("CREATE TABLE IF NOT EXISTS schema_version(version INTEGER NOT NULL) STRICT");
  Rows rows = db.Query("SELECT COALESCE(MAX(version), 0) FROM schema_version");
  return rows.Next() ? rows.Int(0) : 0;
}

// No row may point at one that is not there: rebuilt tables are copied without checks.
absl::Status CheckReferences(Database& db, std::int64_t version) {
  Rows rows = db.Query("PRAGMA foreign_key_check");
  if (!rows.Next()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the job store cannot be brought to schema ", version, ": a row of table '",
                                          rows.Text(0), "' refers to one of '", rows.Text(2),
                                          "' that is not there; the file is unchanged"));
}

absl::Status MigrateTo(Database& db, std::int64_t version) {
  return InTransaction(db, [&] {
    db.Script(Migrations()[static_cast<std::size_t>(version - 1)]);
    db.Run("INSERT INTO schema_version(version) VALUES(?)", version);
    return CheckReferences(db, version);
  });
}

}  // namespace

absl::StatusOr<std::int64_t> SchemaVersion(Database& db) {
  const std::int64_t version = StoredVersion(db);
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  const auto newest = static_cast<std::int64_t>(Migrations().size());
  if (version <= newest) return version;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("the job store has schema ", version, ", this server knows schemas up to ", newest,
                                "; start a newer server"),
                   "SCHEMA_TOO_NEW");
}

absl::Status Migrate(Database& db) {
  const absl::StatusOr<std::int64_t> version = SchemaVersion(db);
  if (!version.ok()) return version.status();
  const auto newest = static_cast<std::int64_t>(Migrations().size());
  if (*version == newest) return absl::OkStatus();
  // A table that others refer to is rebuilt by dropping it. The setting cannot change inside a transaction.
  db.Script("PRAGMA foreign_keys=OFF");
  absl::Status status;
  for (std::int64_t next = *version + 1; status.ok() && next <= newest; ++next) status = MigrateTo(db, next);
  db.Script("PRAGMA foreign_keys=ON");
  status.Update(db.TakeError());
  return status;
}

}  // namespace headscope::server::sqlite
