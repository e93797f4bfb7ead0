#include "server/store/blob_garbage.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "proto/support/sha256.h"
#include "server/store/disk_error.h"

namespace headscope::server {

absl::Status CheckPresent(BlobStore& blobs, const std::string& blob) {
  const absl::Status opened = blobs.Open(blob).status();
  if (!absl::IsNotFound(opened)) return opened;
  return MakeError(absl::StatusCode::kUnavailable,
                   absl::StrCat("blob '", blob, "' was removed while it was handed in; hand it in again"),
                   ErrorDetails{"BLOB_GONE", {}, absl::ZeroDuration()});
}

absl::Status RemoveUnreferenced(JobStore& store, BlobStore& blobs, const std::vector<std::string>& candidates) {
  for (const std::string& blob : candidates) {
    const absl::StatusOr<bool> referenced = store.IsReferenced(blob);
    if (!referenced.ok()) return referenced.status();
    if (*referenced) continue;
    if (absl::Status removed = blobs.Remove(blob); !removed.ok()) return removed;
  }
  return absl::OkStatus();
}

void RemoveOrLog(JobStore& store, BlobStore& blobs, const std::vector<std::string>& candidates) {
  const absl::Status removed = RemoveUnreferenced(store, blobs, candidates);
  if (removed.ok()) return;
  Log(LogLevel::kWarning, "what nothing refers to could not be removed; the next start of the server tries again",
      {{"status", removed}});
}

absl::Status SweepBlobs(const std::string& directory, JobStore& store, BlobStore& blobs) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator file(fs::path(directory) / "blobs", error);
  for (const fs::recursive_directory_iterator end; !error && file != end; file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (!DigestFromHex(name).empty()) names.push_back(name);
  }
  if (error) return FileError(error.value(), "read the blobs", directory);
  return RemoveUnreferenced(store, blobs, names);
}

}  // namespace headscope::server
