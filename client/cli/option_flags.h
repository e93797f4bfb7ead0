// The flags that say what is computed and how it is reduced, shared by the commands that take them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/headscope/options.h"

namespace headscope::cli {

std::vector<Flag> ReductionFlags();
std::vector<Flag> ComputeFlags();

// Some reduction flag was given.
bool HasReductionFlags(const Arguments& arguments);
// `base` changed by the flags that were given. --script-batch implies batch-token-mean, and is refused with another
// --loss-scale.
absl::StatusOr<client::ReductionOptions> ReadReduction(const Arguments& arguments, client::ReductionOptions base);
absl::StatusOr<client::ComputeOptions> ReadCompute(const Arguments& arguments);

// What jobs are made from beside model and data: compute and reduction flags, --limit, --batch-tokens, --label.
struct JobOptions {
  client::ComputeOptions compute;
  client::ReductionOptions reduction;
  client::ExecutionOptions execution;
  std::map<std::string, std::string> labels;
  // Rows to read; absent: all.
  std::optional<std::uint64_t> limit;
};
// Without --label, of which each command says what it is good for.
std::vector<Flag> JobFlags();
absl::StatusOr<JobOptions> ReadJobOptions(const Arguments& arguments);

}  // namespace headscope::cli
