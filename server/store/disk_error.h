// Errors of files and folders as statuses.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace headscope::server {

// Whether the system's error number says that there is no room: full disk, used-up quota, largest file size.
bool IsDiskFull(int error_number);

// RESOURCE_EXHAUSTED / DISK_FULL. Names the folder's last component only: clients see it.
absl::Status DiskFullError(const std::string& folder);

// DiskFullError where it is that; otherwise INTERNAL with the system's text. `what` says what was tried: "write a
// blob".
absl::Status FileError(int error_number, const std::string& what, const std::string& folder);

}  // namespace headscope::server
