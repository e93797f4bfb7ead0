// Where a list goes on: opaque, safe in URLs, and only good for the question it came from.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace headscope::server {

// `question` says what is listed and filtered, completely; `position` is the last number given out.
std::string MakePageToken(const std::string& question, std::int64_t position);

// The position; `start` for the empty token. INVALID_ARGUMENT / BAD_PAGE_TOKEN for a token of another question or none.
absl::StatusOr<std::int64_t> ReadPageToken(const std::string& question, const std::string& token, std::int64_t start);

// At least 1, at most kMaxPageSize; 0 means kDefaultPageSize.
std::uint32_t EffectivePageSize(std::uint32_t requested);

}  // namespace headscope::server
