// How it keeps up with a server that deletes meanwhile: everything is linked once before; then a read transaction is
// opened, what it refers to and came in between is linked, and only when nothing of it is missing is the database copied,
// out of that very transaction. Where a blob had gone already, the transaction is given up for a later one. A link keeps
// the bytes, whatever happens to the first name.
#include "server/maintenance/backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/maintenance/blob_links.h"
#include "server/maintenance/data_files.h"
#include "server/maintenance/start.h"
#include "server/maintenance/store_mark.h"
#include "server/store/disk_error.h"
#include "server/store/failpoint.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;

// Each needs a blob that was made and deleted within the moment between two steps.
constexpr int kMaxRounds = 100;

absl::Status Refuse(const std::string& message, const char* reason) {
  return MakeError(absl::StatusCode::kFailedPrecondition, message, reason);
}

std::int64_t Count(Database& db, const char* table) {
  sqlite::Rows rows = db.Query(absl::StrCat("SELECT COUNT(*) FROM ", table));
  return rows.Next() ? rows.Int(0) : 0;
}

// Removes what was made unless the backup came to its end.
class Target {
 public:
  explicit Target(std::string path) : path_(std::move(path)) {}
  ~Target() {
    if (kept_ || !ours_) return;
    std::error_code ignored;
    for (const char* name : {"blobs", kStoreFile, kUnfinishedDatabase}) fs::remove_all(fs::path(path_) / name, ignored);
    fs::remove(fs::path(path_) / absl::StrCat(kUnfinishedDatabase, "-journal"), ignored);
    if (made_) fs::remove(path_, ignored);
  }

  absl::Status Make() {
    std::error_code error;
    made_ = fs::create_directory(path_, error);
    if (error && !Exists(path_)) return FileError(error.value(), "make the target of the backup", path_);
    if (!made_ && (!fs::is_directory(path_, error) || !fs::is_empty(path_, error))) {
      return Refuse(absl::StrCat("the target '", path_, "' is there and not an empty directory; name another, or remove it"),
                    "TARGET_NOT_EMPTY");
    }
    ours_ = true;
    if (chmod(path_.c_str(), 0700) != 0) return FileError(errno, "close the target to others", path_);
    // Nothing takes it for a data folder from here on.
    if (absl::Status marked = ReplaceFile(path_, kUnfinishedDatabase, ""); !marked.ok()) return marked;
    if (mkdir(absl::StrCat(path_, "/blobs").c_str(), 0700) != 0) return FileError(errno, "make the blobs", path_);
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (absl::Status synced = SyncFolder(path_, path_); !synced.ok()) return synced;
    const std::string parent = fs::absolute(fs::path(path_) / "..").string();
    if (made_ && access(parent.c_str(), R_OK) == 0) {
      if (absl::Status synced = SyncFolder(parent, path_); !synced.ok()) return synced;
    }
    Failpoint("backup.copied");
    const std::string unfinished = absl::StrCat(path_, "/", kUnfinishedDatabase);
    if (rename(unfinished.c_str(), absl::StrCat(path_, "/", kDatabaseFile).c_str()) != 0) {
      return FileError(errno, "name the database", path_);
    }
    kept_ = true;
    Failpoint("backup.named");
    return SyncFolder(path_, path_);
  }

 private:
  const std::string path_;
  bool made_ = false;
  bool ours_ = false;
  bool kept_ = false;
};

class BackupRun {
 public:
  BackupRun(std::string source, std::string target, Database& db)
      : source_(std::move(source)), target_(std::move(target)), db_(db), links_(source_, target_) {}

  absl::StatusOr<BackupReport> Run() {
    const std::vector<std::string> first = ReferencedBlobs(db_);
    if (absl::Status room = CheckRoom(first); !room.ok()) return room;
    if (absl::StatusOr<std::vector<std::string>> gone = links_.Link(first); !gone.ok()) return gone.status();
    Failpoint("backup.linked");
    for (int round = 0; round < kMaxRounds; ++round) {
      const absl::StatusOr<bool> copied = Round();
      if (!copied.ok()) return copied.status();
      if (*copied) return report_;
    }
    return MakeError(absl::StatusCode::kAborted,
                     absl::StrCat("blobs went faster than they could be linked, ", kMaxRounds,
                                  " times; try again when less is deleted"),
                     "BACKUP_OVERTAKEN");
  }

 private:
  absl::Status CheckRoom(const std::vector<std::string>& blobs) {
    std::uint64_t wanted = DatabaseBytes(source_);
    const absl::StatusOr<bool> can_link = links_.CanLink(blobs);
    if (!can_link.ok()) return can_link.status();
    if (!*can_link) {
      for (const std::string& blob : blobs) {
        struct stat status {};
        if (stat(PathOfBlob(source_, blob).c_str(), &status) == 0) wanted += static_cast<std::uint64_t>(status.st_size);
      }
    }
    const absl::StatusOr<std::uint64_t> free = FreeBytes(target_);
    if (!free.ok()) return free.status();
    if (wanted <= *free) return absl::OkStatus();
    return MakeError(absl::StatusCode::kResourceExhausted,
                     absl::StrCat("the backup wants ", wanted, " bytes on the disk of '", target_, "', found ", *free,
                                  " free; choose another disk or free some"),
                     "DISK_FULL");
  }

  // True once the database is copied and everything it refers to is there.
  absl::StatusOr<bool> Round() {
    db_.Run("BEGIN");
    absl::StatusOr<bool> copied = InTransaction();
    if (db_.in_transaction()) db_.Run("ROLLBACK");
    const absl::Status error = db_.TakeError();
    if (copied.ok() && !error.ok()) return error;
    return copied;
  }

  absl::StatusOr<bool> InTransaction() {
    const std::vector<std::string> blobs = ReferencedBlobs(db_);
    if (absl::Status error = db_.TakeError(); !error.ok()) return error;
    const absl::StatusOr<std::vector<std::string>> gone = links_.Link(blobs);
    if (!gone.ok()) return gone.status();
    if (!gone->empty()) return CheckDeleted(*gone);
    const std::string path = absl::StrCat(target_, "/", kUnfinishedDatabase);
    if (unlink(path.c_str()) != 0) return FileError(errno, "replace the mark of an unfinished backup", target_);
    if (absl::Status copied = db_.CopyTo(path); !copied.ok()) return copied;
    const absl::StatusOr<std::optional<StoreMark>> mark = ReadDatabaseMark(db_);
    if (!mark.ok()) return mark.status();
    if (*mark) {
      if (absl::Status written = WriteFolderMark(target_, **mark); !written.ok()) return written;
    }
    if (absl::Status removed = links_.KeepOnly(blobs); !removed.ok()) return removed;
    if (absl::Status synced = links_.Sync(); !synced.ok()) return synced;
    report_ = {Count(db_, "job"), Count(db_, "dataset"), Count(db_, "pattern"), links_.count(), links_.copied(),
               links_.bytes() + DatabaseBytes(source_)};
    return true;
  }

  // OK (false: another round) when the server has deleted them meanwhile; otherwise the store has lost them.
  absl::StatusOr<bool> CheckDeleted(const std::vector<std::string>& gone) {
    db_.Run("ROLLBACK");
    const std::vector<std::string> now = ReferencedBlobs(db_);
    if (absl::Status error = db_.TakeError(); !error.ok()) return error;
    for (const std::string& blob : gone) {
      if (!std::binary_search(now.begin(), now.end(), blob) || Exists(PathOfBlob(source_, blob))) continue;
      return MakeError(absl::StatusCode::kDataLoss,
                       absl::StrCat("the data folder is not whole: blob ", blob,
                                    " is referred to and not there; headscope-server check names every fault"),
                       "BLOB_MISSING");
    }
    return false;
  }

  const std::string source_;
  const std::string target_;
  Database& db_;
  BlobLinks links_;
  BackupReport report_;
};

}  // namespace

absl::StatusOr<BackupReport> Backup(const std::string& data_dir, const std::string& target) {
  if (!HasDatabase(data_dir)) {
    return Refuse(absl::StrCat("'", data_dir, "' holds no ", kDatabaseFile, "; name the data folder of a server"),
                  "NO_DATABASE");
  }
  const auto db = Database::OpenToRead(data_dir, kDatabaseFile);
  if (!db.ok()) return db.status();
  if (absl::StatusOr<std::int64_t> schema = ReadSchema(**db); !schema.ok()) return schema.status();
  std::string folder = target;
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  Target place(folder);
  if (absl::Status made = place.Make(); !made.ok()) return made;
  absl::StatusOr<BackupReport> report = BackupRun(data_dir, folder, **db).Run();
  if (!report.ok()) return report;
  if (absl::Status finished = place.Finish(); !finished.ok()) return finished;
  return report;
}

}  // namespace headscope::server
