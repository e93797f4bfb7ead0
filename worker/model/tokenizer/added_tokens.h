// Tokens that are cut out of the text before the model sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/regex.h"
#include "worker/model/tokenizer/token_trie.h"
#include "worker/model/tokenizer/vocabulary.h"

namespace headscope::worker::tokenization {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  // Not matched where a word character touches it on either side.
  bool single_word = false;
  // Takes the white space on its left (right) with it.
  bool lstrip = false;
  bool rstrip = false;
  // Matched in the normalized text, otherwise in the text as it came.
  bool normalized = true;
  // Content no user means as text. All added tokens are matched on encode, special or not.
  bool special = false;
};

// The "added_tokens" section of tokenizer.json, in its order; those with empty content are left out, as the reference
// library does. INVALID_ARGUMENT where malformed, or where an id is not the one the reference library would give: that
// of the vocabulary, or the next free one beyond it.
absl::StatusOr<std::vector<AddedToken>> LoadAddedTokens(const Json& tokenizer, const Vocabulary& vocabulary);

// Cuts text at added tokens. Immutable: thread-safe.
class AddedTokenSplitter {
 public:
  // A stretch of text, or a token with its id.
  struct Segment {
    std::string_view text;
    std::optional<std::int32_t> id;
  };

  // Of tokens of the same content special ones come first, then the order of `tokens` counts: normalizing can make two
  // contents one. INTERNAL where the word-character pattern cannot be compiled.
  static absl::StatusOr<AddedTokenSplitter> Create(std::vector<AddedToken> tokens);

  // Segments of `text` (valid UTF-8) in order: leftmost match first, the longest there. None is empty text.
  std::vector<Segment> Split(std::string_view text) const;

 private:
  AddedTokenSplitter(std::vector<AddedToken> tokens, Regex word_character);

  bool IsSingleWord(std::string_view text, std::size_t begin, std::size_t end) const;

  std::vector<AddedToken> tokens_;
  TokenTrie trie_;
  Regex word_character_;
};

}  // namespace headscope::worker::tokenization
