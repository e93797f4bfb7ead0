#include "server/store/sqlite/datasets.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/store/sqlite/blobs.h"
#include "server/store/sqlite/paging.h"

namespace headscope::server::sqlite {
namespace {

constexpr char kSelect[] = "SELECT digest, sample_count, size_bytes, display_name, create_time, number FROM dataset ";

DatasetRecord ReadRecord(const Rows& rows) {
  return {rows.Text(0), rows.Uint(1), rows.Uint(2), rows.Text(3), rows.Time(4), rows.Int(5)};
}

}  // namespace

absl::StatusOr<DatasetRecord> PutDataset(Database& db, const DatasetRecord& record) {
  db.Run(
      "INSERT INTO dataset(digest, sample_count, size_bytes, display_name, create_time, use_time)"
      " VALUES(?, ?, ?, ?, ?5, ?5) ON CONFLICT(project, digest) DO NOTHING",
      record.digest, record.sample_count, record.size_bytes, record.display_name, record.create_time);
  if (absl::Status recorded = RecordBlob(db, record.digest); !recorded.ok()) return recorded;
  return FindDataset(db, record.digest);
}

absl::StatusOr<DatasetRecord> FindDataset(Database& db, const std::string& digest) {
  Rows rows = db.Query(absl::StrCat(kSelect, "WHERE digest = ?"), digest);
  if (rows.Next()) return ReadRecord(rows);
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("no dataset '", digest, "'; upload it first"),
                   "DATASET_NOT_FOUND");
}

absl::StatusOr<Page<DatasetRecord>> ListDatasets(Database& db, const PageRequest& page) {
  return ReadPage(
      {"datasets"}, page, &DatasetRecord::number,
      [&](std::int64_t before, std::uint32_t limit) {
        return db.Query(absl::StrCat(kSelect, "WHERE number < ? ORDER BY number DESC LIMIT ?"), before, limit);
      },
      ReadRecord);
}

absl::Status DeleteDataset(Database& db, const std::string& digest) {
  if (const auto record = FindDataset(db, digest); !record.ok()) return record.status();
  Rows jobs = db.Query("SELECT COUNT(*) FROM job WHERE dataset = ?", digest);
  const std::int64_t users = jobs.Next() ? jobs.Int(0) : 0;
  if (users > 0) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        absl::StrCat("dataset '", digest, "' is used by ",
                     users == 1 ? "1 job; delete that" : absl::StrCat(users, " jobs; delete them"), " first"),
        "DATASET_IN_USE");
  }
  db.Run("DELETE FROM dataset WHERE digest = ?", digest);
  ReleaseBlob(db, digest);
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
