// Matchers for absl::Status and absl::StatusOr.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/support/error.h"

namespace headscope {

inline const absl::Status& AsStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& AsStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << AsStatus(arg).ToString();
  return AsStatus(arg).ok();
}

// The code, and the stable reason that travels with it ("" for none).
MATCHER_P2(IsError, code, reason, "is an error of that code and reason") {
  const absl::Status& status = AsStatus(arg);
  *result_listener << status.ToString() << ", reason '" << ReasonOf(status) << "'";
  return status.code() == code && ReasonOf(status) == reason;
}

}  // namespace headscope
