// Blobs that nothing refers to.
//
// Blobs are shared by content, so removing one and recording the same one again must not interleave: both happen on the
// store's thread. Whoever records a blob (PutDataset, CompleteScore) calls CheckPresent in the same closure before.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// UNAVAILABLE / BLOB_GONE: removed since it was written, because its last user was deleted; write it again.
absl::Status CheckPresent(BlobStore& blobs, const std::string& blob);

// Removes those of `blobs` that nothing refers to (any more, or again). On the store's thread.
absl::Status RemoveUnreferenced(JobStore& store, BlobStore& blobs, const std::vector<std::string>& candidates);

// The same where what the caller did stands whether or not the bytes go.
void RemoveOrLog(JobStore& store, BlobStore& blobs, const std::vector<std::string>& candidates);

// Removes every blob under `directory` that nothing refers to: what a crash left between writing a blob and recording
// it, or between deleting a job and removing its blobs. Before anything is served.
absl::Status SweepBlobs(const std::string& directory, JobStore& store, BlobStore& blobs);

}  // namespace headscope::server
