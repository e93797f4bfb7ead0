// The steps of a check.
#pragma once

#include <string>
#include <vector>

#include "server/maintenance/check.h"
#include "server/store/sqlite/database.h"

namespace headscope::server {

// SQLite's own checks of file and references, and counters against the rows that they count. In one transaction.
void CheckDatabase(sqlite::Database& db, CheckReport& report);

// Every blob that the database refers to, by presence, recorded size and SHA-256, and every file that nobody knows. What
// a server has deleted or made since the first look is no fault.
absl::Status CheckFiles(const std::string& directory, sqlite::Database& db, const CheckProgress& progress,
                        CheckReport& report);

}  // namespace headscope::server
