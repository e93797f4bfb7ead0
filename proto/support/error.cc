#include "proto/support/error.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/strings/cord.h"

namespace headscope {
namespace {

constexpr char kPayload[] = "headscope/error-details";

void Put(std::string& bytes, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

std::string Take(std::string_view& bytes) {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof size) return "";
  bytes.copy(reinterpret_cast<char*>(&size), sizeof size);
  bytes.remove_prefix(sizeof size);
  std::string text(bytes.substr(0, size));
  bytes.remove_prefix(text.size());
  return text;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, std::string message, ErrorDetails details) {
  absl::Status status(code, message);
  std::string bytes;
  Put(bytes, details.reason);
  Put(bytes, details.retry_after ? absl::FormatDuration(*details.retry_after) : "");
  for (const FieldViolation& violation : details.violations) {
    Put(bytes, violation.field);
    Put(bytes, violation.description);
  }
  status.SetPayload(kPayload, absl::Cord(bytes));
  return status;
}

absl::Status MakeError(absl::StatusCode code, std::string message, std::string reason) {
  return MakeError(code, std::move(message), ErrorDetails{std::move(reason), {}, {}});
}

absl::Status Refused(std::string message, std::string reason) {
  return MakeError(absl::StatusCode::kInvalidArgument, std::move(message), std::move(reason));
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return details;
  const std::string flat(*payload);
  std::string_view bytes = flat;
  details.reason = Take(bytes);
  if (const std::string delay = Take(bytes); !delay.empty()) {
    absl::Duration duration;
    if (absl::ParseDuration(delay, &duration)) details.retry_after = duration;
  }
  while (!bytes.empty()) {
    FieldViolation violation;
    violation.field = Take(bytes);
    violation.description = Take(bytes);
    details.violations.push_back(std::move(violation));
  }
  return details;
}

std::string ReasonOf(const absl::Status& status) { return DetailsOf(status).reason; }

}  // namespace headscope
