// What a Split looks for, and a Replace.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {

// The "pattern" of `component`: {"Regex": a pattern} or {"String": the text itself}. `where` is the component's path.
absl::StatusOr<Regex> LoadPattern(const Json& component, std::string_view where);

}  // namespace headscope::worker::tokenization
