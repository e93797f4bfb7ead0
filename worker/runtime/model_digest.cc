#include "worker/runtime/model_digest.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proto/support/sha256.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kChunkBytes = 4 << 20;
// Far above what a root holds; forgetting only costs hashing again.
constexpr std::size_t kMaxKnown = 100'000;
constexpr char kModelTag[] = "headscope model 1";
constexpr char kTokenizerTag[] = "headscope tokenizer 1";

absl::StatusOr<std::string> HashFile(const ModelDirectory& directory, const FileStamp& stamp,
                                     const CancelCheck& cancelled) {
  const absl::StatusOr<ModelFile> file = directory.OpenFile(stamp.name);
  if (!file.ok()) return file.status();
  Sha256 hash;
  const auto buffer = std::make_unique<char[]>(kChunkBytes);
  for (std::int64_t offset = 0; offset < stamp.file.size_bytes; offset += kChunkBytes) {
    if (cancelled && cancelled()) return absl::CancelledError("hashing was cancelled");
    const std::int64_t length = std::min(kChunkBytes, stamp.file.size_bytes - offset);
    const absl::Status read = file->Read(offset, length, buffer.get());
    if (!read.ok()) return read;
    hash.Update(std::string_view(buffer.get(), static_cast<std::size_t>(length)));
  }
  const absl::Status unchanged = file->CheckSize();
  if (!unchanged.ok()) return unchanged;
  return hash.Finish();
}

}  // namespace

absl::StatusOr<std::string> ModelDigests::OfFile(const ModelDirectory& directory, const FileStamp& stamp,
                                                 const CancelCheck& cancelled) {
  const FileIdentity& id = stamp.file;
  const Key key = {id.device, id.inode, id.size_bytes, id.modified_ns};
  const auto settled = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !in_progress_.contains(key); };
  {
    absl::MutexLock lock(&mutex_);
    while (!mutex_.AwaitWithTimeout(absl::Condition(&settled), absl::Milliseconds(200))) {
      if (cancelled && cancelled()) return absl::CancelledError("hashing was cancelled");
    }
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    in_progress_.insert(key);
  }
  absl::StatusOr<std::string> digest = HashFile(directory, stamp, cancelled);
  absl::MutexLock lock(&mutex_);
  in_progress_.erase(key);
  if (known_.size() >= kMaxKnown) known_.clear();
  if (digest.ok()) known_[key] = *digest;
  return digest;
}

absl::StatusOr<std::string> ModelDigests::Of(const ModelDirectory& directory, const std::vector<FileStamp>& stamps,
                                             const CancelCheck& cancelled) {
  Sha256 hash;
  hash.UpdateString(kModelTag);
  for (const FileStamp& stamp : stamps) {
    const absl::StatusOr<std::string> digest = OfFile(directory, stamp, cancelled);
    if (!digest.ok()) return digest.status();
    hash.UpdateString(stamp.name);
    hash.UpdateU64(static_cast<std::uint64_t>(stamp.file.size_bytes));
    hash.Update(*digest);
  }
  return hash.Finish();
}

absl::StatusOr<std::string> ModelDigests::OfTokenizer(const ModelDirectory& directory,
                                                      const std::vector<FileStamp>& stamps,
                                                      const CancelCheck& cancelled) {
  Sha256 hash;
  hash.UpdateString(kTokenizerTag);
  for (const FileStamp& stamp : stamps) {
    if (!IsTokenizerFile(stamp.name)) continue;
    const absl::StatusOr<std::string> digest = OfFile(directory, stamp, cancelled);
    if (!digest.ok()) return digest.status();
    hash.UpdateString(stamp.name);
    hash.UpdateU64(static_cast<std::uint64_t>(stamp.file.size_bytes));
    hash.Update(*digest);
  }
  return hash.Finish();
}

}  // namespace headscope::worker
