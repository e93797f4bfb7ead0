// An imported pattern's numbers, and the bytes in which they are stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::server {

struct PatternValues {
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  // [layers, heads], row-major.
  std::vector<double> values;
  std::optional<std::vector<double>> standard_error;
  friend bool operator==(const PatternValues&, const PatternValues&) = default;
};

// "HSP1", then little-endian u32 layers, heads, and 1 where there is a standard error, else 0; values (f64); the
// standard error (f64).
std::string EncodePattern(const PatternValues& pattern);
// DATA_LOSS when the bytes are not that.
absl::StatusOr<PatternValues> DecodePattern(std::string_view bytes);

}  // namespace headscope::server
