// NumPy's .npy format (numpy.lib.format): written as version 1.0, read in versions 1 to 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::cli {

// '<f8', C order. The product of `shape` is the number of values.
std::string NpyBytes(const std::vector<std::size_t>& shape, const std::vector<double>& values);

// Numbers out of a .npy file, first to last, so that one larger than memory can be read. Single-thread.
class NpyReader {
 public:
  // Reads the header. Arrays of little-endian float32 or float64 in C order are taken. INVALID_ARGUMENT says what else
  // it is, or that the file's size is not what its shape needs.
  static absl::StatusOr<NpyReader> Open(const std::string& path);

  const std::vector<std::size_t>& shape() const { return shape_; }
  // Of the whole array.
  std::uint64_t size() const;
  // The next `values.size()` numbers; there must be as many left.
  absl::Status Read(std::vector<double>& values);
  absl::Status Read(std::vector<float>& values);

 private:
  explicit NpyReader(std::string path) : path_(std::move(path)) {}
  absl::Status ReadHeader();
  absl::Status ParseHeader(const std::string& header);
  absl::Status CheckSize(std::uint64_t data_begin);
  template <typename Value>
  absl::Status ReadValues(std::vector<Value>& values);
  absl::Status Fault(const std::string& what) const;

  std::string path_;
  std::ifstream file_;
  std::vector<std::size_t> shape_;
  // Of one stored number: 4 or 8.
  std::size_t width_ = 0;
};

}  // namespace headscope::cli
