// Following a job to its end, and what its end means.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/headscope/client.h"

namespace headscope::cli {

// Watches with progress on standard error until the job ends. Nothing when the user detached, which was then explained.
absl::StatusOr<std::optional<client::Job>> FollowJob(Session& session, client::Client& client, const std::string& id);

// Refused for what the user gave, not failed in running.
bool IsRefusal(const client::Failure& failure);

// Where a sample stands for the user: "samples.jsonl:12" or "sample 11".
using SampleLocator = std::function<std::string(std::uint32_t index)>;
std::string LocateByIndex(std::uint32_t index);

// Prints why a job that has ended did not succeed, every invalid sample included, and returns the exit status: 0 for
// one that succeeded, 2 for one that was refused for its input, 1 for everything else.
absl::StatusOr<int> ReportEnd(Session& session, client::Client& client, const client::Job& job,
                              const SampleLocator& locate);

// Says on standard error how many samples were left out, if any were.
void ReportSkipped(Session& session, const client::Job& job);

}  // namespace headscope::cli
