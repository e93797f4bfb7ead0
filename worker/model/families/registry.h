// From a config.json to an architecture: the table of supported families.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/architecture.h"

namespace headscope::worker {

// The architecture that `config_json` (the text of a config.json) describes. Errors: INVALID_ARGUMENT (malformed, or a
// number that is missing or makes no sense, named), FAILED_PRECONDITION (an unsupported family or setting, named).
absl::StatusOr<Architecture> MakeArchitecture(const std::string& config_json);

// model_type of every supported family, sorted.
std::vector<std::string> FamilyNames();

}  // namespace headscope::worker
