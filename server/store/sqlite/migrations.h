// The schema and how older files get there.
#pragma once

#include "absl/status/status.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

// Runs every numbered migration that the file has not seen, each in a transaction of its own. FAILED_PRECONDITION /
// SCHEMA_TOO_NEW for a file of a newer version.
absl::Status Migrate(Database& db);

}  // namespace headscope::server::sqlite
