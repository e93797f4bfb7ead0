// Durability of names: a file's own sync says nothing of the folder entry that leads to it.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace headscope::server {

// Makes what was created, renamed or removed in `folder` durable. `data_folder` is what an error speaks of.
absl::Status SyncFolder(const std::string& folder, const std::string& data_folder);

}  // namespace headscope::server
