// JSON as strangers write it: parsed strictly, or refused with the place.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace headscope::worker {

// The value that `text` is. `what` names the source in errors ("config.json"). Errors: INVALID_ARGUMENT for anything
// but one strict UTF-8 JSON value: bytes after it, a key twice in one object, nesting deeper than `max_depth`, numbers
// that overflow, NaN, NUL bytes.
absl::StatusOr<nlohmann::json> ParseStrictJson(std::string_view text, std::string_view what, int max_depth);

}  // namespace headscope::worker
