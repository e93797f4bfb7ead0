// What tells one store from another, and an older copy of a store from its newest state.
//
// Both the database (table store) and the data folder (store.json) have the store's id and a generation, which rises
// with every start and every orderly end of a server. It is written to the database first and to the folder second: a
// process that dies between the two leaves a database that is ahead of its folder, which is no fault, while a database
// that is behind its folder has always been put there by hand, and does not know the results that came after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/database.h"

namespace headscope::server {

struct StoreMark {
  std::string id;
  std::int64_t generation = 0;
};

// Absent: no store.json. FAILED_PRECONDITION / STORE_FILE_DAMAGED.
absl::StatusOr<std::optional<StoreMark>> ReadFolderMark(const std::string& directory);
absl::Status WriteFolderMark(const std::string& directory, const StoreMark& mark);
// Absent: a database of version 0.1, or one that no server has been started on.
absl::StatusOr<std::optional<StoreMark>> ReadDatabaseMark(sqlite::Database& db);
// FAILED_PRECONDITION: DATABASE_OF_ANOTHER_STORE, DATABASE_OLDER (not where `accept_older`).
absl::Status CompareMarks(const std::optional<StoreMark>& folder, const std::optional<StoreMark>& database,
                          bool accept_older);
// Writes the mark to the database, then to the folder. A full disk is no error: both stay as they were, or the database
// is ahead.
absl::Status WriteMark(sqlite::Database& db, const std::string& directory, const StoreMark& mark);
// One more than both, beside the server's own connection: a copy of the database made from now on is told from one that
// was made before.
absl::Status RaiseGeneration(const std::string& directory);

}  // namespace headscope::server
