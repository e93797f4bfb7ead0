// Options as JSON text: how stores keep them. Keys are the fields' names, values those of names.h.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/jobs/options.h"

namespace headscope::server {

std::string ToJson(const ComputeOptions& options);
std::string ToJson(const ReductionOptions& options);

// A missing key means the default, so that a later version's new option reads in old records. DATA_LOSS for anything
// else that is not what ToJson writes.
absl::StatusOr<ComputeOptions> ComputeOptionsFromJson(std::string_view json);
absl::StatusOr<ReductionOptions> ReductionOptionsFromJson(std::string_view json);

}  // namespace headscope::server
