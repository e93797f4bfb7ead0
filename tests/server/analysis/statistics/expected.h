// expected.json: values by SciPy and NumPy, made by make_expected.py, and what tests compare with them.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/random_stream.h"

namespace headscope::server {

// Sums of fifty float64 numbers in another order differ by far less.
inline constexpr double kTolerance = 1e-11;

const nlohmann::json& Expected();
// One of the file's patterns: "lognormal", "related", "signed", "tied", "sparse", "tiny".
PatternMatrix Named(const std::string& name);

inline PatternMatrix Matrix(std::uint32_t layers, std::uint32_t heads, std::vector<double> values) {
  return {layers, heads, std::move(values)};
}
// Positive values without ties; another seed, other values.
PatternMatrix RandomPattern(std::uint64_t seed, std::uint32_t layers = 4, std::uint32_t heads = 8);
PatternMatrix Scaled(PatternMatrix pattern, double factor);

inline absl::Status KeepGoing() { return absl::OkStatus(); }

// Within kTolerance of the expected value or its size; null stands for "not defined".
void ExpectNear(const nlohmann::json& expected, std::optional<double> found, const std::string& what);

}  // namespace headscope::server
