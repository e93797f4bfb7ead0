#include "server/store/sqlite/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/store/disk_error.h"

namespace headscope::server::sqlite {
namespace {

// The last system error of the database's files. (errno itself may be another one by the time an error is looked at.)
bool FilesAreFull(sqlite3* connection) {
  int file_error = 0;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &file_error);
  sqlite3_file* log = nullptr;
  int log_error = 0;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &log_error);
  }
  return IsDiskFull(file_error) || IsDiskFull(log_error);
}

constexpr char kStoreDamaged[] = "STORE_DAMAGED";

absl::Status ErrorOf(sqlite3* connection, int result, const std::string& folder) {
  const int kind = result & 0xff;
  const bool no_room = kind == SQLITE_IOERR && FilesAreFull(connection);
  // The shared memory file could not be made or grow, for which SQLite keeps no system error.
  const bool no_shared_memory = result == SQLITE_IOERR_SHMSIZE;
  if (kind == SQLITE_FULL || no_room || no_shared_memory) return DiskFullError(folder);
  if (kind == SQLITE_BUSY) {
    return MakeError(absl::StatusCode::kUnavailable,
                     "another program holds a lock on headscope.sqlite (a server of version 0.1, or a database tool with "
                     "an open transaction); end it",
                     "STORE_BUSY");
  }
  if (kind == SQLITE_NOMEM) return absl::ResourceExhaustedError("no memory for the job store");
  const char* const text = connection == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(connection);
  if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_IOERR) {
    const char* const what = kind == SQLITE_IOERR ? "the disk of the job store fails" : "the job store is damaged";
    return MakeError(absl::StatusCode::kInternal,
                     absl::StrCat(what, " (headscope.sqlite: ", text, "); look at the disk, and put a backup of the data "
                                  "folder back where the file is damaged"),
                     kStoreDamaged);
  }
  return absl::InternalError(absl::StrCat("the job store answered: ", text, " (", result, ")"));
}

// Programs beside the server only read (a backup, a check): what they may keep it waiting for is a moment in which a
// connection opens or closes the write-ahead log.
constexpr char kSettings[] =
    "PRAGMA busy_timeout=5000; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
    // A new file gives pages back (an old one: tidy.h); text that was deleted is overwritten.
    "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA secure_delete=ON; PRAGMA journal_size_limit=67108864;";

constexpr char kReaderSettings[] =
    "PRAGMA busy_timeout=5000; PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;";
// Without the shared memory file, for which a full disk has no room; nobody can then read beside the server.
constexpr char kAloneSettings[] = "PRAGMA locking_mode=EXCLUSIVE;";

// SQLite answers with the mode it has instead of failing where it cannot have the one asked for.
absl::Status UseWriteAheadLog(Database& database) {
  std::string mode;
  {
    Rows rows = database.Query("PRAGMA journal_mode=WAL");
    if (rows.Next()) mode = rows.Text(0);
  }
  if (absl::Status error = database.TakeError(); !error.ok()) return error;
  if (mode == "wal") return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("the job store needs a write-ahead log and has journal mode '", mode,
                                "'; put the data directory on a local disk"),
                   "NO_WRITE_AHEAD_LOG");
}

}  // namespace

Rows::Rows(Rows&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      in_use_(std::exchange(other.in_use_, nullptr)) {}

Rows::~Rows() {
  if (statement_ == nullptr) return;
  if (in_use_ == nullptr) {
    sqlite3_finalize(statement_);
    return;
  }
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  *in_use_ = false;
}

bool Rows::Next() {
  if (statement_ == nullptr || !database_->error_.ok()) return false;
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) database_->Note(result);
  return false;
}

bool Rows::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::int64_t Rows::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Rows::Text(int column) const {
  const void* const bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::optional<std::int64_t> Rows::OptionalInt(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Int(column);
}

std::optional<absl::Time> Rows::OptionalTime(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Time(column);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Connect(const std::string& folder, const std::string& file_name,
                                                            const char* settings) {
  sqlite3* connection = nullptr;
  const std::string path = absl::StrCat(folder, "/", file_name);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  if (result != SQLITE_OK) {
    const absl::Status status = ErrorOf(connection, result, folder);
    sqlite3_close_v2(connection);
    return status;
  }
  std::unique_ptr<Database> database(new Database(connection, folder));
  database->Script(settings);
  if (!database->error().ok()) return database->TakeError();
  return database;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& folder, const std::string& file_name) {
  const std::string path = absl::StrCat(folder, "/", file_name);
  // Only a file that is not there: closing one that SQLite has open in this process would drop its locks.
  const int made = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) close(made);
  if (made < 0 && errno != EEXIST) return FileError(errno, "make the job store", folder);
  absl::Status logged;
  for (const bool alone : {false, true}) {
    absl::StatusOr<std::unique_ptr<Database>> database = Connect(folder, file_name, kSettings);
    if (!database.ok()) return database;
    if (alone) (*database)->Script(kAloneSettings);
    logged = UseWriteAheadLog(**database);
    if (logged.ok()) return database;
    if (!absl::IsResourceExhausted(logged)) return logged;
  }
  return logged;
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenToRead(const std::string& folder,
                                                               const std::string& file_name) {
  return Connect(folder, file_name, kReaderSettings);
}

absl::Status Database::CopyTo(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return FileError(errno, "make a copy of the job store", path);
  sqlite3* copy = nullptr;
  int result = sqlite3_open_v2(path.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  // Synced as a whole below.
  if (result == SQLITE_OK) result = sqlite3_exec(copy, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
  sqlite3_backup* const backup = result == SQLITE_OK ? sqlite3_backup_init(copy, "main", connection_, "main") : nullptr;
  if (backup != nullptr) {
    // In one step, and so in one transaction of the source.
    sqlite3_backup_step(backup, -1);
    result = sqlite3_backup_finish(backup);
  } else if (result == SQLITE_OK) {
    result = sqlite3_errcode(copy);
  }
  absl::Status status = result == SQLITE_OK ? absl::OkStatus() : ErrorOf(copy, result, path);
  sqlite3_close_v2(copy);
  if (status.ok() && fsync(file) != 0) status = FileError(errno, "sync a copy of the job store", path);
  close(file);
  return status;
}

Database::~Database() {
  for (const auto& [sql, prepared] : prepared_) sqlite3_finalize(prepared.statement);
  sqlite3_close_v2(connection_);
}

Rows Database::Prepare(std::string_view sql) {
  if (!error_.ok()) return Rows(this, nullptr, nullptr);
  const auto known = prepared_.find(sql);
  if (known != prepared_.end() && !known->second.in_use) {
    known->second.in_use = true;
    return Rows(this, known->second.statement, &known->second.in_use);
  }
  sqlite3_stmt* statement = nullptr;
  Note(sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                          nullptr));
  // A second use while the first goes on gets a statement of its own, which is not kept.
  if (statement == nullptr || known != prepared_.end()) return Rows(this, statement, nullptr);
  Prepared& prepared = prepared_[std::string(sql)];
  prepared = {statement, true};
  return Rows(this, statement, &prepared.in_use);
}

void Database::Script(const char* sql) {
  if (error_.ok()) Note(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr));
}

absl::Status Database::TakeError() { return std::exchange(error_, absl::OkStatus()); }

void Database::Note(int result) {
  if (result == SQLITE_OK || !error_.ok()) return;
  error_ = ErrorOf(connection_, result, folder_);
  if (damaged_ && ReasonOf(error_) == kStoreDamaged) damaged_(error_);
}

void Database::Bind(sqlite3_stmt* statement, int index, std::int64_t value) {
  if (statement != nullptr) Note(sqlite3_bind_int64(statement, index, value));
}

void Database::Bind(sqlite3_stmt* statement, int index, std::string_view text) {
  if (statement == nullptr) return;
  Note(sqlite3_bind_text64(statement, index, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
}

void Database::Bind(sqlite3_stmt* statement, int index, Blob blob) {
  if (statement == nullptr) return;
  const char* const bytes = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  Note(sqlite3_bind_blob64(statement, index, bytes, blob.bytes.size(), SQLITE_TRANSIENT));
}

void Database::BindNull(sqlite3_stmt* statement, int index) {
  if (statement != nullptr) Note(sqlite3_bind_null(statement, index));
}

}  // namespace headscope::server::sqlite
