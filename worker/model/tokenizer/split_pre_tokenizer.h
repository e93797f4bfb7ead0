// Split at a pattern: that of the file, or the fixed one of a component that is nothing but such a split.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/pre_tokenizer.h"

namespace headscope::worker::tokenization {

// Options: pattern ({"Regex"} or {"String"}), behavior, invert (what lies between matches counts as matched).
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadSplitPreTokenizer(const Component& component);

// Numeric characters: each by itself with individual_digits, otherwise runs of them.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadDigitsPreTokenizer(const Component& component);

// Punctuation characters. Option: behavior, Isolated where absent.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadPunctuationPreTokenizer(const Component& component);

// Words and runs of other characters; white space goes.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadWhitespacePreTokenizer(const Component& component);

// What white space separates; white space goes.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadWhitespaceSplitPreTokenizer(const Component& component);

}  // namespace headscope::worker::tokenization
