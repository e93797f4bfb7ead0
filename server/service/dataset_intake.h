// The last step of taking a dataset in, uploaded or inline.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Records a dataset whose blob has been committed. On the store's thread, as every removal of a blob is, so that what
// is found there stays: ABORTED / DATASET_DELETED when the same content was deleted between commit and now.
absl::StatusOr<DatasetRecord> RecordDataset(JobStore& store, BlobStore& blobs, const DatasetRecord& record);

// Removes blobs that nothing refers to (any more). On the store's thread.
absl::Status RemoveUnreferenced(JobStore& store, BlobStore& blobs, const std::vector<std::string>& digests);

}  // namespace headscope::server
