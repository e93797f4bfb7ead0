// The rows of --data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/headscope/rows.h"

namespace headscope::cli {

// The rows of the file, or of standard input for "-"; the first `limit` where it is given. INVALID_ARGUMENT when there
// is no such file.
absl::StatusOr<std::unique_ptr<client::RowReader>> OpenRows(Session& session, const std::string& path,
                                                            const std::optional<std::uint64_t>& limit);

// False when there are faults, which were printed with the lines they are on.
bool PrintFaults(Session& session, const std::string& path, const client::RowReport& report);

// The path without its folders.
std::string FileName(const std::string& path);

}  // namespace headscope::cli
