// JSON as strangers write it: parsed strictly, or refused with the place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace headscope::worker {

// Values of one text, those within others included: each takes some hundred bytes of memory, and the index of a
// million tensors has two million.
inline constexpr std::size_t kMaxJsonValues = 1 << 21;

// The value that `text` is. `what` names the source in errors ("config.json"). Errors: INVALID_ARGUMENT for anything
// but one strict UTF-8 JSON value of at most kMaxJsonValues: bytes after it, a key twice in one object, nesting deeper
// than `max_depth`, numbers that overflow, NaN, NUL bytes.
absl::StatusOr<nlohmann::json> ParseStrictJson(std::string_view text, std::string_view what, int max_depth);

// `text`, which strangers wrote, for a message: whole, or cut between characters to `max_bytes` and "...".
std::string Shortened(std::string_view text, std::size_t max_bytes);

}  // namespace headscope::worker
