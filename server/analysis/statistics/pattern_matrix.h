// The value that all statistics are made of: a [layers, heads] matrix of scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::server {

// [layers, heads], row-major: entry layer * heads + head.
struct PatternMatrix {
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::vector<double> values;

  std::size_t size() const { return values.size(); }
  friend bool operator==(const PatternMatrix&, const PatternMatrix&) = default;
};

// Asked between the steps of long work; an error ends the work and becomes its result.
using KeepOn = std::function<absl::Status()>;

// "32 x 32 heads".
std::string ShapeText(const PatternMatrix& pattern);

// INVALID_ARGUMENT / BAD_PATTERN: no entries, a number of values that is not layers * heads, or a value that is not
// finite (which one). `name` is how the message calls the pattern.
absl::Status CheckPattern(const PatternMatrix& pattern, const std::string& name);

// INVALID_ARGUMENT / SHAPE_MISMATCH naming both patterns and both shapes.
absl::Status CheckSameShape(const PatternMatrix& left, const std::string& left_name, const PatternMatrix& right,
                            const std::string& right_name);

// minuend - subtrahend, entry by entry; both of one shape.
PatternMatrix Difference(const PatternMatrix& minuend, const PatternMatrix& subtrahend);

// Every layer's mean taken away. A layer of equal values becomes exactly 0.
PatternMatrix WithoutLayerMeans(const PatternMatrix& pattern);

// Whether all values are the same number: correlations with such a pattern are not defined.
bool IsConstant(const std::vector<double>& values);

}  // namespace headscope::server
