#include "server/service/dataset_intake.h"

#include "server/store/blob_garbage.h"

namespace headscope::server {

absl::StatusOr<DatasetRecord> RecordDataset(JobStore& store, BlobStore& blobs, const DatasetRecord& record) {
  if (absl::Status present = CheckPresent(blobs, record.digest); !present.ok()) return present;
  return store.PutDataset(record);
}

}  // namespace headscope::server
