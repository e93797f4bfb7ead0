// Which colour a value has. The colours themselves stand in report.css, which mixes them evenly in a perceptual space
// for light, dark and paper: here a value becomes the name of a ramp and its place on it.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "client/headscope/pattern.h"

namespace headscope::report {

enum class Ramp { kUndefined, kSequential, kNegative, kPositive };

// A place on a ramp. Levels lie closer together near 0, so that small values stay distinct where the reader has them
// emphasised.
struct Shade {
  static constexpr int kLevels = 64;

  Ramp ramp = Ramp::kUndefined;
  // 0 to kLevels - 1.
  int level = 0;
  friend auto operator<=>(const Shade&, const Shade&) = default;
};

// class="..." style="..." of an element that has the shade's colour.
std::string ShadeAttributes(const Shade& shade);

// From 0 to the largest value; where a value is negative, from -m to m with 0 in the middle, m the largest size.
class ColourScale {
 public:
  // Over all values of all matrices.
  static ColourScale Of(const std::vector<const client::Matrix*>& matrices);
  // Signed, whatever the values.
  static ColourScale DivergingOf(const std::vector<const client::Matrix*>& matrices);
  ColourScale(double most, bool is_diverging) : most_(most), is_diverging_(is_diverging) {}

  double least() const { return is_diverging_ ? -most_ : 0; }
  double most() const { return most_; }
  bool is_diverging() const { return is_diverging_; }
  Shade ShadeOf(double value) const;

 private:
  double most_;
  bool is_diverging_;
};

}  // namespace headscope::report
