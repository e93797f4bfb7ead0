// The way of bytes into the blob store, so that none is left over and none is removed that somebody is about to use.
//
// Blobs are shared by content, and a writer may die at any moment. So the store (JobStore) knows of every blob before it
// has its name: a writer finishes its bytes, announces them, gives them their name, and has them recorded in the
// transaction that refers to them first. Until then they are held: whoever lets go without having them recorded gives
// them up, and what nobody refers to or writes is removed by Housekeeping. Writers that died with the server are
// forgotten at its next start.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "server/store/blob_store.h"
#include "server/store/store_executor.h"

namespace headscope::server {

// A blob that is stored and not yet recorded. Gives it up when destroyed, unless it was recorded. Thread-compatible.
class HeldBlob {
 public:
  HeldBlob() = default;
  HeldBlob(std::string digest, std::function<void(const std::string&)> give_up)
      : digest_(std::move(digest)), give_up_(std::move(give_up)) {}
  HeldBlob(HeldBlob&& other) noexcept
      : digest_(std::move(other.digest_)), give_up_(std::exchange(other.give_up_, nullptr)) {}
  HeldBlob& operator=(HeldBlob&& other) noexcept {
    std::swap(digest_, other.digest_);
    std::swap(give_up_, other.give_up_);
    return *this;
  }
  ~HeldBlob() {
    if (give_up_) give_up_(digest_);
  }

  // SHA-256 in hex.
  const std::string& digest() const { return digest_; }
  // An operation of the store that records it was OK.
  void Recorded() { give_up_ = nullptr; }

 private:
  std::string digest_;
  std::function<void(const std::string&)> give_up_;
};

// Thread-safe. Blocking: waits for the store's thread, and is never called on it.
class BlobIntake {
 public:
  // Both outlive this and everything held.
  BlobIntake(StoreExecutor& store, BlobStore& blobs) : store_(store), blobs_(blobs) {}

  // What was appended to `writer`, stored. RESOURCE_EXHAUSTED / DISK_FULL; UNAVAILABLE while the server ends, or where
  // the same bytes were being removed all the time.
  absl::StatusOr<HeldBlob> Take(BlobWriter& writer);
  absl::StatusOr<HeldBlob> Put(std::string_view bytes);

 private:
  absl::Status Announce(const std::string& digest, std::uint64_t size);
  HeldBlob Hold(const std::string& digest);

  StoreExecutor& store_;
  BlobStore& blobs_;
};

}  // namespace headscope::server
