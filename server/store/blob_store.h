// Content-addressed bytes: datasets and shards' planes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::server {

// One blob being written; dropped without a trace unless committed. Thread-compatible.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // RESOURCE_EXHAUSTED / DISK_FULL.
  virtual absl::Status Append(std::string_view bytes) = 0;
  // Bytes so far.
  virtual std::uint64_t size() const = 0;
  // No more comes: the bytes are on the disk, without a name yet, when it returns their SHA-256 in hex.
  virtual absl::StatusOr<std::string> Finish() = 0;
  // After Finish: gives them their name, durably. Bytes of that name that are there already are replaced: whatever has
  // befallen them since, these are right.
  virtual absl::Status Place() = 0;
};

// One stored blob. Thread-safe.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  virtual std::uint64_t size() const = 0;
  // Exactly `length` bytes from `offset`; DATA_LOSS when there are fewer.
  virtual absl::StatusOr<std::string> Read(std::uint64_t offset, std::uint64_t length) = 0;
};

// Blocking; thread-safe. Never called in a gRPC reaction.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual absl::StatusOr<std::unique_ptr<BlobWriter>> Create() = 0;
  // NOT_FOUND.
  virtual absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& sha256_hex) = 0;
  // Removing what is not there is OK.
  virtual absl::Status Remove(const std::string& sha256_hex) = 0;
  // Bytes stored in all, as last counted.
  virtual std::uint64_t stored_bytes() const = 0;
};

// One whole blob; its digest is checked: DATA_LOSS.
absl::StatusOr<std::string> GetBlob(BlobStore& blobs, const std::string& sha256_hex);

}  // namespace headscope::server
