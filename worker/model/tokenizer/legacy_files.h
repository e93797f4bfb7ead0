// Tokenizers that come as vocab.json and merges.txt instead of tokenizer.json.
#pragma once

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker::tokenization {

// The tokenizer.json that the reference makes of the files: byte-level BPE in the way of tokenizer_config.json's
// tokenizer_class, with the tokens of its added_tokens_decoder (or of added_tokens.json) and the special tokens it and
// special_tokens_map.json name; a beginning of sequence where add_bos_token asks for it. Errors: NOT_FOUND (no
// vocab.json or no merges.txt), INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the class that is not
// supported, and what `read` gives.
absl::StatusOr<Json> ReadLegacyFiles(const FileReader& read);

}  // namespace headscope::worker::tokenization
