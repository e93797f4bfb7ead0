// The "pre_tokenizer" section of tokenizer.json: text into the words that the model merges within.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

struct Piece {
  // Valid UTF-8, not empty.
  std::string text;
  // It begins where the whole text begins.
  bool starts_text = false;
};

// Immutable: thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  // Appends what `piece` is cut into or changed to, in order.
  virtual absl::Status Split(const Piece& piece, std::vector<Piece>& pieces) const = 0;
  // Whether what it does depends on Piece::starts_text.
  virtual bool MindsStart() const { return false; }
};

using PreTokenizers = std::vector<std::unique_ptr<const PreTokenizer>>;

// The steps in order; none where there is no pre-tokenizer, so that a stretch of text is one word. Errors:
// INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the component.
absl::StatusOr<PreTokenizers> LoadPreTokenizers(const Json& tokenizer);

// The pieces of `piece` after all `steps`.
absl::StatusOr<std::vector<Piece>> PreTokenize(const PreTokenizers& steps, Piece piece);

}  // namespace headscope::worker::tokenization
