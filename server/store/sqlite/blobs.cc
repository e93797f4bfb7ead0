#include "server/store/sqlite/blobs.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server::sqlite {
namespace {

absl::Status Gone(const std::string& blob) {
  return MakeError(absl::StatusCode::kUnavailable,
                   absl::StrCat("blob '", blob, "' was removed while it was handed in; hand it in again"),
                   ErrorDetails{"BLOB_GONE", {}, absl::ZeroDuration()});
}

}  // namespace

absl::Status AnnounceBlob(Database& db, const std::string& blob, std::uint64_t size) {
  const std::int64_t announced = db.Run(
      "INSERT INTO blob(digest, size, state, writers) VALUES(?, ?, 'WRITING', 1) ON CONFLICT(digest) DO UPDATE"
      " SET writers = writers + 1, size = excluded.size,"
      "     state = CASE WHEN state = 'UNUSED' THEN 'WRITING' ELSE state END"
      " WHERE state <> 'REMOVING'",
      blob, size);
  return announced == 1 ? absl::OkStatus() : Gone(blob);
}

void GiveUpBlob(Database& db, const std::string& blob) {
  db.Run(
      "UPDATE blob SET writers = writers - 1,"
      " state = CASE WHEN state = 'WRITING' AND writers = 1 THEN 'UNUSED' ELSE state END"
      " WHERE digest = ? AND writers > 0",
      blob);
}

absl::Status RecordBlob(Database& db, const std::string& blob) {
  const std::int64_t recorded =
      db.Run("UPDATE blob SET state = 'LIVE', writers = writers - 1 WHERE digest = ? AND writers > 0", blob);
  return recorded == 1 ? absl::OkStatus() : Gone(blob);
}

void ReleaseBlob(Database& db, const std::string& blob) {
  db.Run(
      "UPDATE blob SET state = CASE WHEN writers > 0 THEN 'WRITING' ELSE 'UNUSED' END"
      " WHERE digest = ?1 AND state = 'LIVE' AND NOT EXISTS(SELECT 1 FROM shard WHERE blob = ?1)"
      " AND NOT EXISTS(SELECT 1 FROM dataset WHERE dataset.digest = ?1)"
      " AND NOT EXISTS(SELECT 1 FROM pattern WHERE blob = ?1)",
      blob);
}

std::vector<std::string> TakeUnusedBlobs(Database& db, std::size_t limit) {
  std::vector<std::string> blobs;
  {
    // REMOVING: by a former process, which did not come to the end of it.
    Rows rows = db.Query("SELECT digest FROM blob WHERE state IN ('UNUSED', 'REMOVING') LIMIT ?",
                         static_cast<std::int64_t>(limit));
    while (rows.Next()) blobs.push_back(rows.Text(0));
  }
  for (const std::string& blob : blobs) db.Run("UPDATE blob SET state = 'REMOVING' WHERE digest = ?", blob);
  return blobs;
}

void ForgetBlobs(Database& db, const std::vector<std::string>& blobs) {
  for (const std::string& blob : blobs) db.Run("DELETE FROM blob WHERE digest = ? AND state = 'REMOVING'", blob);
}

std::vector<BlobRecord> ListBlobs(Database& db) {
  std::vector<BlobRecord> blobs;
  Rows rows = db.Query("SELECT digest, size, state = 'LIVE' FROM blob ORDER BY digest");
  while (rows.Next()) blobs.push_back({rows.Text(0), rows.Int(1), rows.Bool(2)});
  return blobs;
}

void SetBlobSizes(Database& db, const std::vector<BlobRecord>& blobs) {
  for (const BlobRecord& record : blobs) {
    db.Run("UPDATE blob SET size = ? WHERE digest = ?", record.size, record.blob);
  }
}

void ForgetWriters(Database& db) {
  db.Run(
      "UPDATE blob SET writers = 0, state = CASE WHEN state = 'WRITING' THEN 'UNUSED' ELSE state END"
      " WHERE writers > 0 OR state = 'WRITING'");
}

}  // namespace headscope::server::sqlite
