// What the process ends with.
#pragma once

#include <iosfwd>
#include <string>

#include "absl/status/status.h"

namespace headscope::cli {

enum ExitStatus : int {
  kDone = 0,
  // The job failed, was cancelled or is not finished; or the server is not healthy; or an unexpected error.
  kFailed = 1,
  // Usage, or input that is refused.
  kRefused = 2,
  // The server is not reachable.
  kUnreachable = 3,
  kNotFound = 4,
  // Quota or rights.
  kNotAllowed = 5,
  // Ctrl-C; the job, if there is one, goes on.
  kDetached = 130,
};

// A mistake in the command line: printed with a pointer to the help.
absl::Status UsageError(const std::string& message);
bool IsUsageError(const absl::Status& status);

ExitStatus ExitStatusOf(const absl::Status& status);

// Prints an error with its field violations and what can be done, in the words of `command`, which may be empty.
// `server` is the address in use.
void PrintError(std::ostream& err, const absl::Status& status, const std::string& server, const std::string& command);

}  // namespace headscope::cli
