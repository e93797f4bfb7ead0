#include "server/maintenance/store_mark.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "server/maintenance/data_files.h"
#include "server/store/failpoint.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server {
namespace {

using Json = nlohmann::json;

absl::Status ForgiveFullDisk(const absl::Status& status) {
  if (ReasonOf(status) != "DISK_FULL") return status;
  Log(LogLevel::kWarning, "no room to write down this start; an older database would not be told from this one",
      {{"status", status}});
  return absl::OkStatus();
}

bool HasTable(sqlite::Database& db, const char* name) {
  sqlite::Rows rows = db.Query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", name);
  return rows.Next();
}

}  // namespace

absl::StatusOr<std::optional<StoreMark>> ReadFolderMark(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kStoreFile);
  if (!Exists(path)) return std::nullopt;
  const absl::StatusOr<std::string> text = ReadWholeFile(path, directory);
  if (!text.ok()) return text.status();
  const Json json = Json::parse(*text, nullptr, false);
  if (json.is_object() && json.value("id", Json()).is_string() &&
      json.value("generation", Json()).is_number_integer()) {
    return StoreMark{json["id"].get<std::string>(), json["generation"].get<std::int64_t>()};
  }
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat(kStoreFile, " of the data folder is not what a server writes (id and generation); put the "
                                "right one back, or remove it to take the database as it is"),
                   "STORE_FILE_DAMAGED");
}

absl::Status WriteFolderMark(const std::string& directory, const StoreMark& mark) {
  return ReplaceFile(directory, kStoreFile, Json({{"id", mark.id}, {"generation", mark.generation}}).dump() + "\n");
}

absl::StatusOr<std::optional<StoreMark>> ReadDatabaseMark(sqlite::Database& db) {
  std::optional<StoreMark> mark;
  if (HasTable(db, "store")) {
    sqlite::Rows rows = db.Query("SELECT id, generation FROM store");
    if (rows.Next()) mark = StoreMark{rows.Text(0), rows.Int(1)};
  }
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  return mark;
}

absl::Status CompareMarks(const std::optional<StoreMark>& folder, const std::optional<StoreMark>& database,
                          bool accept_older) {
  if (!folder) return absl::OkStatus();
  if (database && database->id != folder->id) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("the database is of store '", database->id, "', the data folder of store '", folder->id,
                                  "'; put the folder's own database back, or start on the folder that this one is of"),
                     "DATABASE_OF_ANOTHER_STORE");
  }
  const std::int64_t generation = database ? database->generation : 0;
  if (generation >= folder->generation || accept_older) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the database is older than its data folder: it has generation ", generation, ", the folder ",
                   folder->generation,
                   "; results that came after it are unknown to it. Put the right database back, or start with "
                   "--accept-older-database"),
      "DATABASE_OLDER");
}

absl::Status WriteMark(sqlite::Database& db, const std::string& directory, const StoreMark& mark) {
  const absl::Status stored = sqlite::InTransaction(db, [&] {
    db.Run("INSERT INTO store(only, id, generation) VALUES(1, ?1, ?2)"
           " ON CONFLICT(only) DO UPDATE SET id = ?1, generation = ?2",
           mark.id, mark.generation);
    return absl::OkStatus();
  });
  if (!stored.ok()) return ForgiveFullDisk(stored);
  Failpoint("mark.between");
  return ForgiveFullDisk(WriteFolderMark(directory, mark));
}

absl::Status RaiseGeneration(const std::string& directory) {
  const absl::StatusOr<std::optional<StoreMark>> folder = ReadFolderMark(directory);
  if (!folder.ok()) return folder.status();
  const auto db = sqlite::Database::Open(directory, kDatabaseFile);
  if (!db.ok()) return db.status();
  absl::StatusOr<std::optional<StoreMark>> mark = ReadDatabaseMark(**db);
  if (!mark.ok()) return mark.status();
  if (!*mark) return absl::OkStatus();
  if (*folder) (*mark)->generation = std::max((*mark)->generation, (*folder)->generation);
  ++(*mark)->generation;
  return WriteMark(**db, directory, **mark);
}

}  // namespace headscope::server
