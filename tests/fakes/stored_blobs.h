// Blobs put where the server would have put them, without its threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Bytes under their name; the store knows nothing of them.
inline absl::StatusOr<std::string> PutBlob(BlobStore& blobs, std::string_view bytes) {
  absl::StatusOr<std::unique_ptr<BlobWriter>> writer = blobs.Create();
  if (!writer.ok()) return writer.status();
  if (absl::Status appended = (*writer)->Append(bytes); !appended.ok()) return appended;
  absl::StatusOr<std::string> digest = (*writer)->Finish();
  if (!digest.ok()) return digest;
  if (absl::Status placed = (*writer)->Place(); !placed.ok()) return placed;
  return digest;
}

// `blob`, announced: the next operation may record it.
inline std::string Announced(JobStore& store, std::string blob) {
  const absl::Status announced = store.AnnounceBlob(blob, 1);
  return announced.ok() ? blob : "";
}

inline absl::StatusOr<PatternRecord> ImportAnnounced(JobStore& store, const NewPattern& pattern) {
  Announced(store, pattern.record.blob);
  return store.ImportPattern(pattern);
}

// Something refers to the blob.
inline bool IsLive(JobStore& store, const std::string& blob) {
  const absl::StatusOr<std::vector<BlobRecord>> known = store.ListBlobs();
  if (!known.ok()) return false;
  for (const BlobRecord& record : *known) {
    if (record.blob == blob) return record.live;
  }
  return false;
}

}  // namespace headscope::server
