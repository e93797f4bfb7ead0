// Following a sweep to its end, and what its end means.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/headscope/client.h"

namespace headscope::cli {

// Progress on standard error until all cells have ended. Nothing when the user detached, which was then explained.
absl::StatusOr<std::optional<client::Sweep>> FollowSweep(Session& session, client::Client& client,
                                                         const std::string& id);

// Prints which cells of a sweep that has ended have no pattern and why, and returns the exit status: 0 when all have
// one, 2 when those without were refused for their input, 1 otherwise.
int ReportEnd(Session& session, const client::Sweep& sweep);

}  // namespace headscope::cli
