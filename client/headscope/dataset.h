// Datasets, and where the samples of an upload come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/support/sample.h"

namespace headscope::client {

struct Dataset {
  // Hex of the SHA-256 of its content.
  std::string id;
  std::uint64_t sample_count = 0;
  // Of the canonical encoding.
  std::uint64_t size_bytes = 0;
  std::string display_name;
  std::optional<absl::Time> create_time;
};

// Gives samples one after another, so that a dataset larger than memory can be uploaded. Single-thread.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  // Starts again at the first sample: an upload that was cut off is repeated.
  virtual absl::Status Rewind() = 0;
  // Nothing at the end.
  virtual absl::StatusOr<std::optional<Sample>> Next() = 0;
};

// Samples held in memory.
class SampleVector : public SampleSource {
 public:
  explicit SampleVector(std::vector<Sample> samples) : samples_(std::move(samples)) {}

  absl::Status Rewind() override {
    next_ = 0;
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<Sample>> Next() override {
    if (next_ == samples_.size()) return std::optional<Sample>();
    return std::optional<Sample>(samples_[next_++]);
  }

 private:
  const std::vector<Sample> samples_;
  std::size_t next_ = 0;
};

}  // namespace headscope::client
