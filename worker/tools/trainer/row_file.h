// Samples as JSON Lines, rows {"id", "prompt", "response"}.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {

// The first `limit` rows of `path` (0: all), at least one; keys other than prompt and response are ignored.
// INVALID_ARGUMENT names the file, the line and what is wanted; NOT_FOUND when it cannot be read.
absl::StatusOr<std::vector<Example>> ReadRows(const std::string& path, std::int64_t limit);

// OK for `count` examples; INVALID_ARGUMENT where `task` had fewer, with both numbers.
absl::Status CheckCount(const std::string& task, const std::vector<Example>& examples, std::int64_t count);

// One line for each of `examples`, whose ids are `task`-001, `task`-002 and so on.
std::string RowsText(const std::string& task, const std::vector<Example>& examples);

}  // namespace headscope::worker
