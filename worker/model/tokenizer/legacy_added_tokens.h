// The added tokens of a tokenizer that has no tokenizer.json.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker::tokenization {

struct SpecialTokens {
  // Entries of "added_tokens" without an id, in the reference's order, each content once.
  std::vector<Json> tokens;
  // Content of bos_token, empty where there is none.
  std::string beginning;
};

// The object in the file `name`; an empty one where there is no such file.
absl::StatusOr<Json> ReadOptionalObject(const FileReader& read, const std::string& name);

// The tokens that tokenizer_config.json (`config`) or else special_tokens_map.json give a role, each a string or an
// object; where neither file says anything about them, beginning, end and unknown are <|endoftext|>.
absl::StatusOr<SpecialTokens> ReadSpecialTokens(const FileReader& read, const Json& config);

// The section "added_tokens": those of added_tokens_decoder in `config`, else of added_tokens.json, in order of their
// ids; then the special ones that are not among them, with the id of `vocab` or the next one beyond it.
absl::StatusOr<Json> ReadAddedTokens(const FileReader& read, const Json& config, const SpecialTokens& special,
                                     const Json& vocab);

}  // namespace headscope::worker::tokenization
