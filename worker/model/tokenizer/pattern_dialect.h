// Patterns of tokenizer.json are written for Oniguruma (Ruby syntax); this writes them for PCRE2.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace headscope::worker::tokenization {

// The PCRE2 pattern that matches the same text. Takes the part of the language that the split patterns of known models
// use and that means the same in both engines: literals, character classes without nesting, general categories, \s \S
// \d \D, alternatives, (?:...), (?i:...), look-ahead, and the usual repetitions. FAILED_PRECONDITION names anything
// else.
absl::StatusOr<std::string> TranslatePattern(std::string_view pattern);

// A pattern that matches `text` itself.
absl::StatusOr<std::string> QuotePattern(std::string_view text);

}  // namespace headscope::worker::tokenization
