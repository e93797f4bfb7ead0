// What the command line says of a new sweep, and how it is submitted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/cli/session.h"
#include "client/headscope/client.h"

namespace headscope::cli {

// Everything that is known without the server, checked.
struct NewSweep {
  std::vector<std::string> model_patterns;
  std::vector<std::string> paths;
  // One for every path, all different.
  std::vector<std::string> tasks;
  std::optional<std::uint64_t> limit;
  // Options and labels; models and datasets are found by SubmitSweep.
  client::SweepRequest request;
};

// --models, --data, --task, and what every job takes.
std::vector<Flag> NewSweepFlags();
absl::StatusOr<NewSweep> ReadNewSweep(const Arguments& arguments);

// Checks the rows of all files, chooses the models, uploads every file once and queues the sweep. Nothing when there
// are faults in the rows, which were printed.
absl::StatusOr<std::optional<client::Sweep>> SubmitSweep(Session& session, NewSweep& sweep);

}  // namespace headscope::cli
