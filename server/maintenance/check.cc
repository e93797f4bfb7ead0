#include "server/maintenance/check.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/maintenance/check_steps.h"
#include "server/maintenance/data_files.h"
#include "server/maintenance/start.h"
#include "server/maintenance/store_mark.h"

namespace headscope::server {
namespace {

void Add(CheckReport& report, const char* object, const absl::Status& status, const char* otherwise) {
  const std::string reason = ReasonOf(status);
  // A store that is damaged is one fault among others here.
  report.faults.push_back({reason.empty() || reason == "STORE_DAMAGED" ? otherwise : reason, object, std::string(status.message())});
}

// The folder's generation is read first: a server raises the database's first.
void CheckMarks(sqlite::Database& db, const std::optional<StoreMark>& folder, CheckReport& report) {
  const absl::StatusOr<std::optional<StoreMark>> stored = ReadDatabaseMark(db);
  if (!stored.ok()) return Add(report, kDatabaseFile, stored.status(), "DATABASE_DAMAGED");
  if (*stored) {
    report.store = (*stored)->id;
    report.generation = (*stored)->generation;
  }
  const absl::Status compared = CompareMarks(folder, *stored, false);
  if (!compared.ok()) Add(report, kDatabaseFile, compared, "DATABASE_OLDER");
}

}  // namespace

absl::StatusOr<CheckReport> CheckDataFolder(const std::string& data_dir, const CheckProgress& progress) {
  std::error_code error;
  if (!std::filesystem::is_directory(data_dir, error)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("'", data_dir, "' is no directory; name the data folder of a server"),
                     "NO_DATA_DIRECTORY");
  }
  CheckReport report;
  if (Exists(absl::StrCat(data_dir, "/", kUnfinishedDatabase))) {
    report.faults.push_back({"BACKUP_UNFINISHED", kUnfinishedDatabase, "a backup that did not come to its end"});
  }
  const absl::StatusOr<std::optional<StoreMark>> folder = ReadFolderMark(data_dir);
  if (!folder.ok()) Add(report, kStoreFile, folder.status(), "STORE_FILE_DAMAGED");
  if (!HasDatabase(data_dir)) {
    report.faults.push_back({"DATABASE_MISSING", kDatabaseFile, "there is no database in the data folder"});
    return report;
  }
  const auto db = sqlite::Database::OpenToRead(data_dir, kDatabaseFile);
  if (!db.ok()) return db.status();
  const absl::StatusOr<std::int64_t> schema = ReadSchema(**db);
  const std::string reason = ReasonOf(schema.status());
  if (reason == "SCHEMA_TOO_NEW" || reason == "STORE_BUSY") return schema.status();
  if (!schema.ok()) {
    Add(report, kDatabaseFile, schema.status(), "DATABASE_DAMAGED");
    return report;
  }
  report.schema = *schema;
  CheckMarks(**db, folder.ok() ? *folder : std::nullopt, report);
  progress("database", 0, 1);
  CheckDatabase(**db, report);
  progress("database", 1, 1);
  const absl::Status files = CheckFiles(data_dir, **db, progress, report);
  if (!files.ok()) Add(report, kDatabaseFile, files, "DATABASE_DAMAGED");
  return report;
}

}  // namespace headscope::server
