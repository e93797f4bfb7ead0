// Tokens of lists that are not the store's: keyset, opaque to clients.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace headscope::server {

// Continues after the item named `last`.
std::string PageTokenAfter(const std::string& last);
// "" for the first page. INVALID_ARGUMENT / BAD_PAGE_TOKEN for what no answer contained.
absl::StatusOr<std::string> LastOfPageToken(const std::string& token);

}  // namespace headscope::server
