// The "pre_tokenizer" section of tokenizer.json: text into the words that the model merges within.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// Immutable: thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  // Appends what `piece` (valid UTF-8, not empty) is cut into or changed to, in order.
  virtual absl::Status Split(std::string_view piece, std::vector<std::string>& pieces) const = 0;
};

// The steps of a pre-tokenizer in order; a Sequence gives its parts. The last one is ByteLevel: without it the model
// would not be a byte-level one. Errors: INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the component.
absl::StatusOr<std::vector<std::unique_ptr<const PreTokenizer>>> LoadPreTokenizers(const Json& tokenizer);

// The pieces of `text` after all `steps`.
absl::StatusOr<std::vector<std::string>> PreTokenize(const std::vector<std::unique_ptr<const PreTokenizer>>& steps,
                                                     std::string_view text);

}  // namespace headscope::worker::tokenization
