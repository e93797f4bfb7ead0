// Blobs under a second name in another folder, or copied there where one file cannot have both names.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::server {

// Thread-compatible.
class BlobLinks {
 public:
  // From the data folder `source` to the folder `target`, which exists.
  BlobLinks(std::string source, std::string target);

  // Those of `blobs` that are not linked yet and have no file in the source.
  absl::StatusOr<std::vector<std::string>> Link(const std::vector<std::string>& blobs);
  // Removes what was linked and is not among `blobs` (in order).
  absl::Status KeepOnly(const std::vector<std::string>& blobs);
  // Makes all names durable.
  absl::Status Sync();
  // Whether a link can be had at all: tried with one of them.
  absl::StatusOr<bool> CanLink(const std::vector<std::string>& blobs) const;

  std::size_t count() const { return linked_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t copied() const { return copied_; }

 private:
  // False: no such file.
  absl::StatusOr<bool> LinkOne(const std::string& blob);

  const std::string source_;
  const std::string target_;
  std::set<std::string> linked_;
  std::set<std::string> folders_;
  std::uint64_t bytes_ = 0;
  std::uint64_t copied_ = 0;
};

}  // namespace headscope::server
