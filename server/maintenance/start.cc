#include "server/maintenance/start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "server/maintenance/data_files.h"
#include "server/store/disk_error.h"
#include "server/store/failpoint.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

using sqlite::Database;

std::int64_t NewestSchema() { return static_cast<std::int64_t>(sqlite::Migrations().size()); }

absl::Status Refuse(const std::string& message, const char* reason) {
  return MakeError(absl::StatusCode::kFailedPrecondition, message, reason);
}

// A new database over results that it cannot know would make them waste.
absl::Status CheckMayBeNew(const std::string& directory, const std::optional<StoreMark>& folder, bool accept) {
  const absl::StatusOr<bool> holds_blobs = HoldsBlobs(directory);
  if (!holds_blobs.ok()) return holds_blobs.status();
  if (accept || (!folder && !*holds_blobs)) return absl::OkStatus();
  return Refuse(absl::StrCat("the data folder ",
                             folder ? absl::StrCat("is of store '", folder->id, "' at generation ", folder->generation)
                                    : std::string("holds datasets and results"),
                             " and has no database (", kDatabaseFile,
                             "): it was deleted, or another folder is mounted here. Put it back, or start with "
                             "--accept-older-database to begin with an empty one"),
                "DATABASE_MISSING");
}

// `folder`/headscope.sqlite.schema-N.bak, under that name only once it is whole.
absl::StatusOr<std::string> KeepCopy(Database& db, const std::string& directory, std::int64_t schema) {
  const std::string name = absl::StrCat(kDatabaseFile, ".schema-", schema, ".bak");
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string fresh = path + ".new";
  unlink(fresh.c_str());
  absl::Status copied = db.CopyTo(fresh);
  Failpoint("migration.copied");
  if (copied.ok() && rename(fresh.c_str(), path.c_str()) != 0) {
    copied = FileError(errno, "name the copy of the database", directory);
  }
  if (copied.ok()) copied = SyncFolder(directory, directory);
  if (copied.ok()) return name;
  unlink(fresh.c_str());
  return copied;
}

// The copy, the migrations' own room in the log, and as much again so that the disk is not full after it.
absl::Status CheckRoomForCopy(const std::string& directory) {
  const absl::StatusOr<std::uint64_t> free = FreeBytes(directory);
  if (!free.ok()) return free.status();
  const std::uint64_t wanted = 3 * DatabaseBytes(directory);
  if (*free >= wanted) return absl::OkStatus();
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("a migration with a copy of the database wants ", wanted, " free bytes on the disk of the "
                                "data folder, found ", *free, "; free some"),
                   "DISK_FULL");
}

absl::StatusOr<std::string> MigrateWithCopy(Database& db, const std::string& directory, std::int64_t schema,
                                            bool need_copy) {
  std::string kept;
  if (schema > 0) {
    absl::Status room = CheckRoomForCopy(directory);
    if (!room.ok() && need_copy) return room;
    if (room.ok()) {
      absl::StatusOr<std::string> copy = KeepCopy(db, directory, schema);
      if (!copy.ok()) return copy.status();
      kept = *std::move(copy);
    } else {
      Log(LogLevel::kWarning, "the database is migrated without a copy of it", {{"status", room}});
    }
  }
  if (absl::Status migrated = sqlite::Migrate(db); !migrated.ok()) return migrated;
  Failpoint("migration.done");
  return kept;
}

// Of the same store, or of a new one, above both generations.
StoreMark NextMark(const std::optional<StoreMark>& folder, const std::optional<StoreMark>& stored, RandomSource& random) {
  StoreMark next;
  for (const std::optional<StoreMark>& mark : {folder, stored}) {
    if (!mark) continue;
    next.id = mark->id;
    next.generation = std::max(next.generation, mark->generation);
  }
  if (next.id.empty()) next.id = MakeId("store-", random);
  ++next.generation;
  return next;
}

}  // namespace

absl::StatusOr<std::int64_t> ReadSchema(Database& db) {
  std::int64_t schema = 0;
  std::int64_t others = 0;
  {
    sqlite::Rows rows = db.Query(
        "SELECT SUM(name = 'schema_version'), SUM(name <> 'schema_version' AND name NOT LIKE 'sqlite_%')"
        " FROM sqlite_schema WHERE type = 'table'");
    if (rows.Next()) {
      schema = rows.Int(0);
      others = rows.Int(1);
    }
  }
  if (schema > 0) {
    sqlite::Rows rows = db.Query("SELECT COALESCE(MAX(version), 0) FROM schema_version");
    schema = rows.Next() ? rows.Int(0) : 0;
  }
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  if (schema == 0 && others > 0) {
    return Refuse(absl::StrCat(kDatabaseFile, " is a database of something else (", others,
                               " tables, none of them schema_version); put the folder's own database back"),
                  "DATABASE_OF_ANOTHER_STORE");
  }
  if (schema <= NewestSchema()) return schema;
  return Refuse(absl::StrCat("the job store has schema ", schema, ", this server knows schemas up to ", NewestSchema(),
                             "; start a newer server"),
                "SCHEMA_TOO_NEW");
}

absl::StatusOr<PreparedStart> PrepareStart(const std::string& directory, const StartOptions& options,
                                           RandomSource& random) {
  if (Exists(absl::StrCat(directory, "/", kUnfinishedDatabase))) {
    return Refuse(absl::StrCat("the data folder is a backup that did not come to its end (it holds ", kUnfinishedDatabase,
                               "); remove it and make the backup again"),
                  "BACKUP_UNFINISHED");
  }
  const absl::StatusOr<std::optional<StoreMark>> folder = ReadFolderMark(directory);
  if (!folder.ok()) return folder.status();
  if (!HasDatabase(directory)) {
    absl::Status fresh = CheckMayBeNew(directory, *folder, options.accept_older_database);
    if (!fresh.ok()) return fresh;
  }
  const bool is_new = !HasDatabase(directory);
  const auto db = Database::Open(directory, kDatabaseFile);
  if (!db.ok()) return db.status();
  chmod(absl::StrCat(directory, "/", kDatabaseFile).c_str(), 0600);
  const absl::StatusOr<std::int64_t> schema = ReadSchema(**db);
  if (!schema.ok()) return schema.status();
  const absl::StatusOr<std::optional<StoreMark>> stored = ReadDatabaseMark(**db);
  if (!stored.ok()) return stored.status();
  // An empty database is as good as none.
  absl::Status compared;
  if (*schema > 0) compared = CompareMarks(*folder, *stored, options.accept_older_database);
  if (*schema == 0 && !is_new) compared = CheckMayBeNew(directory, *folder, options.accept_older_database);
  if (!compared.ok()) return compared;
  absl::StatusOr<std::string> kept = std::string();
  if (*schema < NewestSchema()) kept = MigrateWithCopy(**db, directory, *schema, options.need_copy);
  if (!kept.ok()) return kept.status();
  PreparedStart start;
  start.mark = NextMark(*folder, *stored, random);
  start.former_schema = *schema;
  start.schema = NewestSchema();
  start.kept_copy = *std::move(kept);
  if (absl::Status written = WriteMark(**db, directory, start.mark); !written.ok()) return written;
  return start;
}

}  // namespace headscope::server
