#include "server/service/dataset_intake.h"

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace headscope::server {

absl::StatusOr<DatasetRecord> RecordDataset(JobStore& store, BlobStore& blobs, const DatasetRecord& record) {
  if (absl::Status there = blobs.Open(record.digest).status(); !there.ok()) {
    if (!absl::IsNotFound(there)) return there;
    return MakeError(absl::StatusCode::kAborted, "the same dataset was deleted while this one arrived; send it again",
                     "DATASET_DELETED");
  }
  return store.PutDataset(record);
}

absl::Status RemoveUnreferenced(JobStore& store, BlobStore& blobs, const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) {
    const absl::StatusOr<bool> referenced = store.IsReferenced(digest);
    if (!referenced.ok()) return referenced.status();
    if (*referenced) continue;
    if (absl::Status removed = blobs.Remove(digest); !removed.ok()) return removed;
  }
  return absl::OkStatus();
}

}  // namespace headscope::server
