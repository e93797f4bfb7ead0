// Worker ids: one process each at a time.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace headscope::server {

// ALREADY_EXISTS / WORKER_ID_IN_USE: another process has the id, and would lose it after `wait` without a sign of life.
absl::Status WorkerIdInUse(const std::string& worker_id, absl::Duration wait);

}  // namespace headscope::server
