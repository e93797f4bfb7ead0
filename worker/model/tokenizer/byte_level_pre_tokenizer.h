// ByteLevel: words of the GPT-2 pattern, each byte written as its character of the byte alphabet.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/pre_tokenizer.h"

namespace headscope::worker::tokenization {

// Options: add_prefix_space (default true: a piece without a leading space gets one), use_regex (default true).
absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadByteLevelPreTokenizer(const Component& component);

}  // namespace headscope::worker::tokenization
