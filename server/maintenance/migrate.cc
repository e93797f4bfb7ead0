#include "server/maintenance/migrate.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "server/maintenance/data_files.h"
#include "server/maintenance/start.h"
#include "server/store/disk_error.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite_store.h"

namespace headscope::server {
namespace {

using sqlite::Database;

// Beside the database, where there is room for it, and where it is known to a check; removed in the end.
class DryRunFolder {
 public:
  explicit DryRunFolder(const std::string& data_dir) : path_(absl::StrCat(data_dir, "/migrate-dry-run")) {}
  ~DryRunFolder() { Remove(); }

  absl::Status Make() {
    // One of a run that was killed.
    Remove();
    return mkdir(path_.c_str(), 0700) == 0 ? absl::OkStatus() : FileError(errno, "make a folder", path_);
  }
  const std::string& path() const { return path_; }

 private:
  void Remove() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string path_;
};

absl::Status CopyForDryRun(const std::string& data_dir, const DryRunFolder& folder) {
  const absl::StatusOr<std::uint64_t> free = FreeBytes(data_dir);
  if (!free.ok()) return free.status();
  if (const std::uint64_t wanted = 3 * DatabaseBytes(data_dir); *free < wanted) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     absl::StrCat("a dry run wants ", wanted, " free bytes on the disk of the data folder, found ", *free),
                     "DISK_FULL");
  }
  const auto db = Database::OpenToRead(data_dir, kDatabaseFile);
  if (!db.ok()) return db.status();
  return (*db)->CopyTo(absl::StrCat(folder.path(), "/", kDatabaseFile));
}

absl::Status MigrateFile(const std::string& folder) {
  const auto db = Database::Open(folder, kDatabaseFile);
  return db.ok() ? sqlite::Migrate(**db) : db.status();
}

// Schema and jobs as they stand.
absl::Status Look(const std::string& data_dir, MigrationReport& report) {
  const auto db = Database::OpenToRead(data_dir, kDatabaseFile);
  if (!db.ok()) return db.status();
  const absl::StatusOr<std::int64_t> schema = ReadSchema(**db);
  if (!schema.ok()) return schema.status();
  report.former_schema = *schema;
  if (*schema == 0) return absl::OkStatus();
  sqlite::Rows rows = (*db)->Query("SELECT COUNT(*) FROM job");
  report.jobs = rows.Next() ? rows.Int(0) : 0;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MigrationReport> MigrateDataFolder(const std::string& data_dir, bool dry_run, RandomSource& random) {
  if (!HasDatabase(data_dir)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("'", data_dir, "' holds no ", kDatabaseFile, "; name the data folder of a server"),
                     "NO_DATABASE");
  }
  const auto lock = DataDirectory::Lock(data_dir);
  if (!lock.ok()) return lock.status();
  MigrationReport report;
  report.schema = static_cast<std::int64_t>(sqlite::Migrations().size());
  if (absl::Status looked = Look(data_dir, report); !looked.ok()) return looked;
  if (report.former_schema == report.schema) return report;
  const absl::Time begin = absl::Now();
  if (dry_run) {
    DryRunFolder folder(data_dir);
    absl::Status status = folder.Make();
    if (status.ok()) status = CopyForDryRun(data_dir, folder);
    if (status.ok()) status = MigrateFile(folder.path());
    if (!status.ok()) return status;
  } else {
    const absl::StatusOr<PreparedStart> start = PrepareStart(data_dir, {.need_copy = true}, random);
    if (!start.ok()) return start.status();
    report.kept_copy = start->kept_copy;
  }
  report.took = absl::Now() - begin;
  return report;
}

}  // namespace headscope::server
