// Rows of datasets.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/job.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

absl::StatusOr<DatasetRecord> PutDataset(Database& db, const DatasetRecord& record);
// NOT_FOUND / DATASET_NOT_FOUND.
absl::StatusOr<DatasetRecord> FindDataset(Database& db, const std::string& digest);
// Newest first.
absl::StatusOr<Page<DatasetRecord>> ListDatasets(Database& db, const PageRequest& page);
// With the token counts kept for it. FAILED_PRECONDITION / DATASET_IN_USE while a job names it.
absl::Status DeleteDataset(Database& db, const std::string& digest);

}  // namespace headscope::server::sqlite
