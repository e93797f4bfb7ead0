#include "client/report/number_text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace headscope::report {
namespace {

// The minus sign is as wide as a digit; exponents go without sign and zeros that say nothing.
std::string Typeset(std::string number) {
  const std::size_t mark = number.find('e');
  if (mark != std::string::npos) {
    std::size_t digits = mark + 2;
    while (digits + 1 < number.size() && number[digits] == '0') ++digits;
    number = absl::StrCat(number.substr(0, mark), number[mark + 1] == '-' ? "e-" : "e", number.substr(digits));
  }
  return absl::StrReplaceAll(number, {{"-", "−"}});
}

// What has no digits, or nothing.
std::optional<std::string> Special(double value) {
  if (std::isnan(value)) return kUndefined;
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  return std::nullopt;
}

}  // namespace

const char* const kUndefined = "–";

std::string NumberText(double value, int digits) {
  if (const auto special = Special(value)) return *special;
  return Typeset(absl::StrFormat("%.*g", digits, value == 0 ? 0.0 : value));
}

std::string NumberText(const std::optional<double>& value, int digits) {
  return value ? NumberText(*value, digits) : kUndefined;
}

std::string FixedText(double value) {
  if (const auto special = Special(value)) return *special;
  const std::string text = absl::StrFormat("%.3f", value);
  return Typeset(text == "-0.000" ? "0.000" : text);
}

std::string FixedText(const std::optional<double>& value) { return value ? FixedText(*value) : kUndefined; }

std::string IntervalText(const std::optional<client::Interval>& interval) {
  if (!interval) return "";
  return absl::StrCat(NumberText(interval->low, 3), " to ", NumberText(interval->high, 3));
}

std::string CountText(std::size_t count, const std::string& noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string PercentText(double share) { return absl::StrFormat("%.3g %%", 100 * share); }

std::string Coordinate(double value) {
  std::string text = absl::StrFormat("%.2f", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace headscope::report
