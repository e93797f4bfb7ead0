#include "server/analysis/statistics/pattern_matrix.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {

std::string ShapeText(const PatternMatrix& pattern) {
  return absl::StrCat(pattern.layers, " x ", pattern.heads, " heads");
}

absl::Status CheckPattern(const PatternMatrix& pattern, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    return MakeError(absl::StatusCode::kInvalidArgument, absl::StrCat(name, " ", what), "BAD_PATTERN");
  };
  if (pattern.layers == 0 || pattern.heads == 0) {
    return refuse(absl::StrCat("has ", ShapeText(pattern), ", at least 1 x 1 is needed"));
  }
  if (pattern.size() != std::size_t{pattern.layers} * pattern.heads) {
    return refuse(absl::StrCat("has ", pattern.size(), " values for ", ShapeText(pattern)));
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (std::isfinite(pattern.values[i])) continue;
    return refuse(absl::StrCat("has the value ", pattern.values[i], " at layer ", i / pattern.heads, ", head ",
                               i % pattern.heads, "; every value must be finite"));
  }
  return absl::OkStatus();
}

absl::Status CheckSameShape(const PatternMatrix& left, const std::string& left_name, const PatternMatrix& right,
                            const std::string& right_name) {
  if (left.layers == right.layers && left.heads == right.heads) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat(left_name, " has ", ShapeText(left), ", ", right_name, " has ", ShapeText(right),
                                ": only patterns of one shape can be compared"),
                   "SHAPE_MISMATCH");
}

PatternMatrix Difference(const PatternMatrix& minuend, const PatternMatrix& subtrahend) {
  PatternMatrix difference = minuend;
  for (std::size_t i = 0; i < difference.size(); ++i) difference.values[i] -= subtrahend.values[i];
  return difference;
}

PatternMatrix WithoutLayerMeans(const PatternMatrix& pattern) {
  PatternMatrix centred = pattern;
  for (std::uint32_t layer = 0; layer < pattern.layers; ++layer) {
    const auto begin = centred.values.begin() + std::ptrdiff_t{layer} * pattern.heads;
    const auto end = begin + pattern.heads;
    // Rounding of the mean must not turn equal values into different ones.
    if (std::all_of(begin, end, [&](double value) { return value == *begin; })) {
      std::fill(begin, end, 0.0);
      continue;
    }
    double sum = 0;
    for (auto at = begin; at != end; ++at) sum += *at;
    const double mean = sum / pattern.heads;
    for (auto at = begin; at != end; ++at) *at -= mean;
  }
  return centred;
}

bool IsConstant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double value) { return value == values.front(); });
}

}  // namespace headscope::server
