// NumPy's .npz format: a zip file of .npy files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::cli {

// Members: name without ".npy", and the bytes of a .npy file. The same members give the same bytes.
absl::StatusOr<std::string> NpzBytes(const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace headscope::cli
