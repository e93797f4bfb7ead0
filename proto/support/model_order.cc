#include "proto/support/model_order.h"

#include <algorithm>
#include <optional>

namespace headscope {
namespace {

// Takes the first step off `path`.
std::string_view TakeStep(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view step = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return step;
}

constexpr std::string_view kCheckpoint = "checkpoint-";

// The digits of "checkpoint-N" without leading zeros; nullopt where N is no number.
std::optional<std::string_view> NumberOf(std::string_view checkpoint) {
  std::string_view digits = checkpoint.substr(kCheckpoint.size());
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

// Below, at or above zero as for std::string_view::compare. Numbered checkpoints come before others of that prefix.
int CompareSteps(std::string_view left, std::string_view right) {
  if (!left.starts_with(kCheckpoint) || !right.starts_with(kCheckpoint)) return left.compare(right);
  const auto left_number = NumberOf(left), right_number = NumberOf(right);
  if (left_number.has_value() != right_number.has_value()) return left_number.has_value() ? -1 : 1;
  if (!left_number.has_value() || *left_number == *right_number) return left.compare(right);
  if (left_number->size() != right_number->size()) return left_number->size() < right_number->size() ? -1 : 1;
  return left_number->compare(*right_number);
}

}  // namespace

bool ListedBefore(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    const int order = CompareSteps(TakeStep(left), TakeStep(right));
    if (order != 0) return order < 0;
  }
  return left.empty() && !right.empty();
}

}  // namespace headscope
