// Blobs in memory, under names of the test's choice.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "server/store/blob_store.h"

namespace headscope::server {

class MemoryBlobStore : public BlobStore {
 public:
  void Put(const std::string& name, std::string bytes) { blobs_[name] = std::move(bytes); }
  // The largest piece that was read at once.
  std::uint64_t largest_read() const { return largest_read_; }

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create() override { return absl::UnimplementedError("read only"); }
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& name) override {
    const auto blob = blobs_.find(name);
    if (blob == blobs_.end()) return absl::NotFoundError("no blob " + name);
    return std::make_unique<Reader>(blob->second, largest_read_);
  }
  absl::Status Remove(const std::string& name) override {
    blobs_.erase(name);
    return absl::OkStatus();
  }
  std::uint64_t stored_bytes() const override { return 0; }

 private:
  class Reader : public BlobReader {
   public:
    Reader(const std::string& bytes, std::uint64_t& largest) : bytes_(bytes), largest_(largest) {}
    std::uint64_t size() const override { return bytes_.size(); }
    absl::StatusOr<std::string> Read(std::uint64_t offset, std::uint64_t length) override {
      if (offset + length > bytes_.size()) return absl::DataLossError("read past the end");
      if (length > largest_) largest_ = length;
      return bytes_.substr(offset, length);
    }

   private:
    const std::string& bytes_;
    std::uint64_t& largest_;
  };

  std::map<std::string, std::string> blobs_;
  std::uint64_t largest_read_ = 0;
};

}  // namespace headscope::server
