#include "server/store/sqlite/requests.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server::sqlite {
namespace {

const char* Name(Made kind) {
  switch (kind) {
    case Made::kJob:
      return "job";
    case Made::kSweep:
      return "sweep";
    case Made::kPattern:
      return "pattern";
  }
  return "?";
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindMade(Database& db, const Request& request) {
  if (request.request_id.empty()) return std::nullopt;
  Rows rows =
      db.Query("SELECT id, hash, delete_time FROM request WHERE project = ? AND kind = ? AND request_id = ?",
               request.project, Name(request.kind), request.request_id);
  if (!rows.Next()) return std::nullopt;
  if (rows.Text(1) != request.hash) {
    return MakeError(absl::StatusCode::kAlreadyExists,
                     absl::StrCat("request_id '", request.request_id, "' came with another request before (",
                                  Name(request.kind), " '", rows.Text(0), "'); use a new one"),
                     "REQUEST_ID_REUSED");
  }
  if (!rows.IsNull(2)) {
    return MakeError(absl::StatusCode::kNotFound,
                     absl::StrCat("request_id '", request.request_id, "' made ", Name(request.kind), " '", rows.Text(0),
                                  "', which was deleted since; to make another one use a new request_id"),
                     "REQUEST_DELETED");
  }
  return rows.Text(0);
}

void RememberMade(Change& change, const Request& request, const std::string& id) {
  if (request.request_id.empty()) return;
  change.db.Run("INSERT INTO request(project, kind, request_id, hash, id) VALUES(?, ?, ?, ?, ?)", request.project,
                Name(request.kind), request.request_id, Blob{request.hash}, id);
}

void MarkDeleted(Database& db, absl::Time now, Made kind, const std::string& id) {
  db.Run("UPDATE request SET delete_time = ? WHERE kind = ? AND id = ?", now, Name(kind), id);
}

}  // namespace headscope::server::sqlite
