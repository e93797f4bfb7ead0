// Asks a worker whether it lives: GET /healthz on its metrics listener.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace headscope::cli {

// OK when the worker at HOST:PORT answers "200 OK" within `timeout`. INVALID_ARGUMENT for something that is no address,
// UNAVAILABLE when nobody answers, FAILED_PRECONDITION for another answer.
absl::Status CheckWorkerHealth(const std::string& address, absl::Duration timeout);

}  // namespace headscope::cli
