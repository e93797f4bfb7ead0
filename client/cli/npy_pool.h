// A pool of samples in a .npy file.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/npy.h"
#include "client/headscope/analysis.h"

namespace headscope::cli {

// [samples, layers, heads], read row by row as it is asked for. Single-thread.
class NpyPool : public client::PoolSource {
 public:
  // `ids`: a file with the id of every sample in a line of its own; absent: 1-based positions. INVALID_ARGUMENT for
  // what is no such file.
  static absl::StatusOr<NpyPool> Open(const std::string& path, const std::optional<std::string>& ids);

  // From now on rows are given as |x|.
  void TakeMagnitudes() { magnitudes_ = true; }

  std::uint64_t samples() const { return reader_.shape()[0]; }
  std::uint64_t samples_read() const { return next_; }
  std::uint32_t layers() const override { return static_cast<std::uint32_t>(reader_.shape()[1]); }
  std::uint32_t heads() const override { return static_cast<std::uint32_t>(reader_.shape()[2]); }
  absl::StatusOr<std::optional<client::PoolRows>> Next(std::size_t samples) override;

 private:
  explicit NpyPool(NpyReader reader) : reader_(std::move(reader)) {}
  absl::Status OpenIds(const std::string& path);
  absl::StatusOr<std::string> NextId();

  NpyReader reader_;
  std::string ids_path_;
  std::ifstream ids_;
  std::uint64_t next_ = 0;
  bool magnitudes_ = false;
};

}  // namespace headscope::cli
