// The header of a safetensors file, checked in full before a byte of data is believed. No tensors, no files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::worker {

// Where one tensor stands in the file.
struct StoredTensor {
  // "F32", "BF16", ...
  std::string dtype;
  std::vector<std::int64_t> shape;
  // Bytes [begin, end) from the end of the header.
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

using SafetensorsHeader = std::map<std::string, StoredTensor>;

// The limits of service.md 5.4.
inline constexpr std::int64_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::int64_t kMaxTensors = 1'000'000;
inline constexpr std::int64_t kMaxNameBytes = 512;
inline constexpr std::int64_t kMaxRank = 8;
inline constexpr std::int64_t kMaxMetadataBytes = 1 << 20;

// Parses the header's JSON of a file with `data_bytes` bytes after it; `path` names the file in errors. Guarantees on
// success: known dtypes, checked shapes, and byte ranges that fit their shapes and cover the data without holes or
// overlaps. Errors: INVALID_ARGUMENT; FAILED_PRECONDITION for a dtype that is not supported, named.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json, std::int64_t data_bytes,
                                                         const std::string& path);

}  // namespace headscope::worker
