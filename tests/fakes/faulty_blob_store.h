// Blobs in memory, on a disk that a test can fill.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/support/error.h"
#include "proto/support/sha256.h"
#include "server/store/blob_store.h"

namespace headscope::server {

// Thread-safe.
class FaultyBlobStore : public BlobStore {
 public:
  // From now on every write fails, until it is said otherwise.
  void SetFull(bool full) {
    absl::MutexLock lock(&mutex_);
    full_ = full;
  }

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create() override { return std::make_unique<Writer>(*this); }

  absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& sha256_hex) override {
    absl::MutexLock lock(&mutex_);
    const auto blob = blobs_.find(sha256_hex);
    if (blob == blobs_.end()) return absl::NotFoundError("no blob " + sha256_hex);
    return std::make_unique<Reader>(blob->second);
  }

  absl::Status Remove(const std::string& sha256_hex) override {
    absl::MutexLock lock(&mutex_);
    blobs_.erase(sha256_hex);
    return absl::OkStatus();
  }

  std::uint64_t stored_bytes() const override {
    absl::MutexLock lock(&mutex_);
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : blobs_) bytes += content.size();
    return bytes;
  }

 private:
  class Writer : public BlobWriter {
   public:
    explicit Writer(FaultyBlobStore& store) : store_(store) {}
    absl::Status Append(std::string_view bytes) override {
      bytes_.append(bytes);
      return store_.CheckRoom();
    }
    std::uint64_t size() const override { return bytes_.size(); }
    absl::StatusOr<std::string> Finish() override {
      if (absl::Status room = store_.CheckRoom(); !room.ok()) return room;
      return ToHex(Sha256Of(bytes_));
    }
    absl::Status Place() override { return store_.Put(bytes_); }

   private:
    FaultyBlobStore& store_;
    std::string bytes_;
  };

  class Reader : public BlobReader {
   public:
    explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size() const override { return bytes_.size(); }
    absl::StatusOr<std::string> Read(std::uint64_t offset, std::uint64_t length) override {
      if (offset > bytes_.size() || length > bytes_.size() - offset) return absl::DataLossError("too short");
      return bytes_.substr(offset, length);
    }

   private:
    const std::string bytes_;
  };

  absl::Status CheckRoom() {
    absl::MutexLock lock(&mutex_);
    if (full_) return MakeError(absl::StatusCode::kResourceExhausted, "no room", "DISK_FULL");
    return absl::OkStatus();
  }

  absl::Status Put(const std::string& bytes) {
    if (absl::Status room = CheckRoom(); !room.ok()) return room;
    absl::MutexLock lock(&mutex_);
    blobs_[ToHex(Sha256Of(bytes))] = bytes;
    return absl::OkStatus();
  }

  mutable absl::Mutex mutex_;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::string> blobs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
