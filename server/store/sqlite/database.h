// SQLite behind RAII: one connection, statements prepared once, errors that stick.
//
// An error of the database (disk full, damage, a violated constraint) is remembered, and from then on nothing is run
// and no row is found until TakeError(). Code in the middle therefore needs no error handling of its own: the
// transaction around it (transaction.h) rolls back and returns that error in place of whatever the code made of rows it
// did not see.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace headscope::server::sqlite {

// Bytes as opposed to text.
struct Blob {
  std::string_view bytes;
};

class Database;

// The rows of one query. Ends, and gives its statement back, when destroyed. Thread-compatible.
class Rows {
 public:
  Rows(Rows&& other) noexcept;
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  // False after the last row, or after an error.
  bool Next();

  // Columns of the row that Next() found, from 0.
  bool IsNull(int column) const;
  std::int64_t Int(int column) const;
  std::uint64_t Uint(int column) const { return static_cast<std::uint64_t>(Int(column)); }
  std::uint32_t Uint32(int column) const { return static_cast<std::uint32_t>(Int(column)); }
  bool Bool(int column) const { return Int(column) != 0; }
  // Text and blobs.
  std::string Text(int column) const;
  absl::Time Time(int column) const { return absl::FromUnixMicros(Int(column)); }
  std::optional<std::int64_t> OptionalInt(int column) const;
  std::optional<absl::Time> OptionalTime(int column) const;

 private:
  friend class Database;
  Rows(Database* database, sqlite3_stmt* statement, bool* in_use)
      : database_(database), statement_(statement), in_use_(in_use) {}

  Database* database_;
  // Null when it could not be prepared.
  sqlite3_stmt* statement_;
  // Where to say that the statement is free again; null for one that is not kept.
  bool* in_use_;
};

// Thread-compatible.
class Database {
 public:
  // Opens or makes the file (0600); WAL, synchronous FULL, foreign keys. Others may read beside it; the lock of the data
  // folder keeps away whoever would write.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& folder, const std::string& file_name);
  // Opens a file that is there to read it, also beside a server. Nothing is changed through it.
  static absl::StatusOr<std::unique_ptr<Database>> OpenToRead(const std::string& folder, const std::string& file_name);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // A query with its parameters in order: integers, bool, text, Blob, absl::Time and absl::Duration (microseconds),
  // optionals of them.
  template <typename... Parameters>
  Rows Query(std::string_view sql, const Parameters&... parameters) {
    Rows rows = Prepare(sql);
    int index = 0;
    (Bind(rows.statement_, ++index, parameters), ...);
    return rows;
  }
  // Runs a change; the number of rows it changed (not counting those of triggers).
  template <typename... Parameters>
  std::int64_t Run(std::string_view sql, const Parameters&... parameters) {
    Rows rows = Query(sql, parameters...);
    while (rows.Next()) {
    }
    return error_.ok() ? sqlite3_changes64(connection_) : 0;
  }
  // The same for a list of parameters that is only known at run time: appended to `rows` of Prepare.
  Rows Prepare(std::string_view sql);
  template <typename Parameter>
  void Bind(Rows& rows, int index, const Parameter& parameter) {
    Bind(rows.statement_, index, parameter);
  }
  // Several statements without parameters.
  void Script(const char* sql);
  std::int64_t last_insert_rowid() const { return sqlite3_last_insert_rowid(connection_); }
  // Copies the whole, as this connection sees it (in a transaction: as that sees it), to a new file of mode 0600, which
  // is durable when this returns OK; its name is not yet.
  absl::Status CopyTo(const std::string& path);
  bool in_transaction() const { return sqlite3_get_autocommit(connection_) == 0; }

  // Called with every error that says that the file is damaged or its disk fails.
  void WhenDamaged(std::function<void(const absl::Status&)> damaged) { damaged_ = std::move(damaged); }

  const absl::Status& error() const { return error_; }
  // The error that sticks, which is thereby forgotten.
  absl::Status TakeError();

 private:
  friend class Rows;
  Database(sqlite3* connection, std::string folder) : connection_(connection), folder_(std::move(folder)) {}

  static absl::StatusOr<std::unique_ptr<Database>> Connect(const std::string& folder, const std::string& file_name,
                                                           const char* settings);

  void Bind(sqlite3_stmt* statement, int index, std::int64_t value);
  void Bind(sqlite3_stmt* statement, int index, std::uint64_t value) {
    Bind(statement, index, static_cast<std::int64_t>(value));
  }
  void Bind(sqlite3_stmt* statement, int index, std::int32_t value) { Bind(statement, index, std::int64_t{value}); }
  void Bind(sqlite3_stmt* statement, int index, std::uint32_t value) { Bind(statement, index, std::int64_t{value}); }
  void Bind(sqlite3_stmt* statement, int index, bool value) { Bind(statement, index, std::int64_t{value}); }
  void Bind(sqlite3_stmt* statement, int index, std::string_view text);
  void Bind(sqlite3_stmt* statement, int index, const std::string& text) {
    Bind(statement, index, std::string_view(text));
  }
  void Bind(sqlite3_stmt* statement, int index, const char* text) { Bind(statement, index, std::string_view(text)); }
  void Bind(sqlite3_stmt* statement, int index, Blob blob);
  void Bind(sqlite3_stmt* statement, int index, absl::Time time) { Bind(statement, index, absl::ToUnixMicros(time)); }
  void Bind(sqlite3_stmt* statement, int index, absl::Duration duration) {
    Bind(statement, index, absl::ToInt64Microseconds(duration));
  }
  void BindNull(sqlite3_stmt* statement, int index);
  template <typename T>
  void Bind(sqlite3_stmt* statement, int index, const std::optional<T>& value) {
    if (value) {
      Bind(statement, index, *value);
    } else {
      BindNull(statement, index);
    }
  }

  // Remembers the connection's error unless one sticks already.
  void Note(int result);

  struct Prepared {
    sqlite3_stmt* statement = nullptr;
    bool in_use = false;
  };
  struct StringHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  sqlite3* const connection_;
  const std::string folder_;
  absl::Status error_;
  std::function<void(const absl::Status&)> damaged_;
  // By their text. Nodes do not move: Rows point into them.
  std::unordered_map<std::string, Prepared, StringHash, std::equal_to<>> prepared_;
};

}  // namespace headscope::server::sqlite
