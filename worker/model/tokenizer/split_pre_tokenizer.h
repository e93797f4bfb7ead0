// Split: each match of a pattern is a piece, and so is each stretch between matches.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/pre_tokenizer.h"

namespace headscope::worker::tokenization {

// Options: pattern ({"Regex"} or {"String"}), behavior Isolated, invert false; other values are refused by name.
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadSplitPreTokenizer(const Json& component);

}  // namespace headscope::worker::tokenization
