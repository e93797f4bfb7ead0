#include "client/report/colour_scale.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace headscope::report {
namespace {

const char* ClassOf(Ramp ramp) {
  switch (ramp) {
    case Ramp::kUndefined:
      return "u";
    case Ramp::kSequential:
      return "s";
    case Ramp::kNegative:
      return "n";
    case Ramp::kPositive:
      return "p";
  }
  return "u";
}

// The largest finite size, and whether a value is negative.
struct Extent {
  double most = 0;
  bool has_negative = false;
};

Extent ExtentOf(const std::vector<const client::Matrix*>& matrices) {
  Extent extent;
  for (const client::Matrix* matrix : matrices) {
    for (const double value : matrix->values) {
      if (!std::isfinite(value)) continue;
      extent.most = std::max(extent.most, std::abs(value));
      extent.has_negative = extent.has_negative || value < 0;
    }
  }
  return extent;
}

}  // namespace

std::string ShadeAttributes(const Shade& shade) {
  if (shade.ramp == Ramp::kUndefined) return "class=\"u\"";
  const double root = static_cast<double>(shade.level) / (Shade::kLevels - 1);
  return absl::StrCat("class=\"", ClassOf(shade.ramp), "\" style=\"--t:", absl::StrFormat("%.3g", root * root), "\"");
}

ColourScale ColourScale::Of(const std::vector<const client::Matrix*>& matrices) {
  const Extent extent = ExtentOf(matrices);
  return ColourScale(extent.most, extent.has_negative);
}

ColourScale ColourScale::DivergingOf(const std::vector<const client::Matrix*>& matrices) {
  return ColourScale(ExtentOf(matrices).most, true);
}

Shade ColourScale::ShadeOf(double value) const {
  if (!std::isfinite(value)) return {};
  const double size = most_ > 0 ? std::min(std::abs(value) / most_, 1.0) : 0;
  const int level = static_cast<int>(std::lround(std::sqrt(size) * (Shade::kLevels - 1)));
  if (!is_diverging_) return {Ramp::kSequential, value > 0 ? level : 0};
  return {value < 0 ? Ramp::kNegative : Ramp::kPositive, level};
}

}  // namespace headscope::report
