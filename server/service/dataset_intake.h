// The last step of taking a dataset in, uploaded or inline.
#pragma once

#include "absl/status/statusor.h"
#include "server/jobs/job.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Records a dataset whose blob has been committed. On the store's thread. UNAVAILABLE / BLOB_GONE when the same content
// was deleted between commit and now.
absl::StatusOr<DatasetRecord> RecordDataset(JobStore& store, BlobStore& blobs, const DatasetRecord& record);

}  // namespace headscope::server
