// The schema and how older files get there.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

// The files of migrations/ in order: the migration to version n is the n-th. Those of released versions never change.
const std::vector<const char*>& Migrations();

// The version that the file has; 0 for a new one. FAILED_PRECONDITION / SCHEMA_TOO_NEW for a file of a newer program.
absl::StatusOr<std::int64_t> SchemaVersion(Database& db);

// Runs every migration that the file has not seen, each in a transaction of its own, and checks what it has made:
// DATA_LOSS where a row refers to one that is not there, and that migration has not happened. Errors of SchemaVersion.
absl::Status Migrate(Database& db);

}  // namespace headscope::server::sqlite
