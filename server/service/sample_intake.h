// Samples from a client, checked one by one and encoded for the store.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "headscope/v1/dataset.pb.h"
#include "proto/support/sample.h"
#include "proto/support/sha256.h"
#include "server/service/violations.h"

namespace headscope::server {

// Thread-compatible. Memory: 16 bytes a sample, whatever their texts.
class SampleIntake {
 public:
  // Violations name samples as `<field>[i]`, i counting from 0 over all batches.
  explicit SampleIntake(std::string field) : field_(std::move(field)) {}

  // Appends to `records`, which is empty, what is to be stored: the records of the batch's samples, before the first
  // batch's the dataset's header (proto/support/sample_encoding.h). Nothing once a violation was found, though samples
  // are checked to the end. RESOURCE_EXHAUSTED / DATASET_TOO_LARGE beyond the
  // limits.
  absl::Status Add(const v1::SampleBatch& batch, Violations& violations, std::string& records);
  // Adds what is wrong with the dataset as a whole: that it is empty.
  void CheckWhole(Violations& violations) const;

  std::uint64_t sample_count() const { return count_; }
  // Of header and records so far. Ends the intake.
  std::uint64_t size_bytes() const { return bytes_; }
  // 32 raw bytes.
  std::string FinishDigest() { return hash_.Finish(); }

 private:
  absl::Status Take(const v1::Sample& proto, Violations& violations, std::string& records);
  // Adds what is wrong with `sample` at `path`, by itself and beside its forerunners.
  void Check(const Sample& sample, const std::string& path, Violations& violations);

  const std::string field_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  Sha256 hash_;
  // The kind of the first sample: all others are to be of it.
  std::optional<std::size_t> kind_;
  // Halves of the ids' SHA-256: nobody finds two ids with the same.
  absl::flat_hash_set<std::array<char, 16>> ids_;
};

}  // namespace headscope::server
