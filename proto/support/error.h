// Errors with details, without gRPC: an absl::Status that carries a stable reason, field violations and a retry delay.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace headscope {

struct FieldViolation {
  // Path of the field in the request: "spec.compute.max_tokens".
  std::string field;
  std::string description;
};

// What accompanies an error; travels inside absl::Status as a payload.
struct ErrorDetails {
  // UPPER_SNAKE_CASE, stable: becomes ErrorInfo.reason with domain "headscope".
  std::string reason;
  std::vector<FieldViolation> violations;
  std::optional<absl::Duration> retry_after;
};

// A status with details. `code` must not be OK.
absl::Status MakeError(absl::StatusCode code, std::string message, ErrorDetails details);
// The same with a reason alone.
absl::Status MakeError(absl::StatusCode code, std::string message, std::string reason);
// INVALID_ARGUMENT for a request that cannot be granted.
absl::Status Refused(std::string message, std::string reason);
// The details of a status made by MakeError or received from a server; empty ones otherwise.
ErrorDetails DetailsOf(const absl::Status& status);
// DetailsOf(status).reason.
std::string ReasonOf(const absl::Status& status);

}  // namespace headscope
