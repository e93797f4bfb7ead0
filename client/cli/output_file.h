// A result file that is either complete or not there.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace headscope::cli {

// The error that writing to `path` would end with; found before the work whose result goes there.
absl::Status CheckWritable(const std::string& path);
// Writes beside `path` and renames. Devices and pipes are written directly.
absl::Status WriteFile(const std::string& path, const std::string& bytes);

}  // namespace headscope::cli
