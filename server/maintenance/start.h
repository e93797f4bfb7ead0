// What happens to a data folder before a server opens its store: it is looked at whether database and folder belong
// together, the schema is brought to this version, and the start is written down.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "proto/support/random_source.h"
#include "server/maintenance/store_mark.h"

namespace headscope::server {

struct StartOptions {
  // Start although the database is older than its folder, or not there.
  bool accept_older_database = false;
  // Refuse to migrate where there is no room for a copy of the database; otherwise go on without one.
  bool need_copy = false;
};

struct PreparedStart {
  StoreMark mark;
  // Before and after. 0: the database is new.
  std::int64_t former_schema = 0;
  std::int64_t schema = 0;
  // The copy of the database from before the migration, in the folder; empty: none was made.
  std::string kept_copy;
};

// `directory` is locked by this process, and nobody has its database open. Errors, all of which leave the folder as it
// was: FAILED_PRECONDITION with DATABASE_OLDER, DATABASE_MISSING, DATABASE_OF_ANOTHER_STORE, SCHEMA_TOO_NEW,
// STORE_FILE_DAMAGED, BACKUP_UNFINISHED; those of a migration.
absl::StatusOr<PreparedStart> PrepareStart(const std::string& directory, const StartOptions& options,
                                           RandomSource& random);

// The schema of a database that is there, 0 for an empty one. FAILED_PRECONDITION / SCHEMA_TOO_NEW,
// DATABASE_OF_ANOTHER_STORE for a file that is no database of ours.
absl::StatusOr<std::int64_t> ReadSchema(sqlite::Database& db);

}  // namespace headscope::server
