// The "normalizer" section of tokenizer.json: what is done to text before it is split.
#pragma once

#include "absl/status/status.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// Byte-level models of the GPT-2 kind have none (null), so text goes on as it came. Every normalizer is refused by
// name.
absl::Status CheckNormalizer(const Json& tokenizer);

}  // namespace headscope::worker::tokenization
