// Digests of a model's content, hashed once and remembered.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "worker/model/engine.h"
#include "worker/runtime/model_files.h"

namespace headscope::worker {

// Hashes files and remembers each by device, inode, size and time of modification. Thread-safe; two callers that want
// the same file hash it once.
class ModelDigests {
 public:
  // SHA-256 (32 raw bytes) over the files: their names, lengths and the SHA-256 of their content, in name order.
  // Errors: CANCELLED, DATA_LOSS when a file changes or cannot be read, and those of ModelDirectory::OpenFile.
  absl::StatusOr<std::string> Of(const ModelDirectory& directory, const std::vector<FileStamp>& stamps,
                                 const CancelCheck& cancelled);
  // The same over the files that decide what a text becomes (IsTokenizerFile).
  absl::StatusOr<std::string> OfTokenizer(const ModelDirectory& directory, const std::vector<FileStamp>& stamps,
                                          const CancelCheck& cancelled);
  // SHA-256 of one file's content.
  absl::StatusOr<std::string> OfFile(const ModelDirectory& directory, const FileStamp& stamp,
                                     const CancelCheck& cancelled);

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t>;

  absl::Mutex mutex_;
  std::map<Key, std::string> known_ ABSL_GUARDED_BY(mutex_);
  std::set<Key> in_progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::worker
