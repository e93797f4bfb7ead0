#include "server/service/violations.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"

namespace headscope::server {

void Violations::Add(std::string field, std::string description, std::string reason) {
  if (count_ == 0)
    reason_ = std::move(reason);
  else if (reason_ != reason)
    reason_ = "INVALID_FIELDS";
  ++count_;
  if (listed_.size() < kMaxFieldViolations) listed_.push_back({std::move(field), std::move(description)});
}

absl::Status Violations::status() const {
  if (empty()) return absl::OkStatus();
  const FieldViolation& first = listed_.front();
  std::string message = absl::StrCat(first.field, ": ", first.description);
  if (count_ > 1) absl::StrAppend(&message, " (and ", count_ - 1, " more)");
  return MakeError(absl::StatusCode::kInvalidArgument, std::move(message), {reason_, listed_, std::nullopt});
}

void Once::Check(const std::string& value, const std::string& field, Violations& violations) {
  const auto [first, is_new] = fields_.emplace(value, field);
  if (!is_new) violations.Add(field, absl::StrCat("is the same as ", first->second));
}

}  // namespace headscope::server
