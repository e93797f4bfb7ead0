// Byte-pair encoding: a word's characters are joined pair by pair, the earliest learnt pair first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "worker/model/tokenizer/vocabulary.h"

namespace headscope::worker::tokenization {

// Immutable: thread-safe.
class BpeModel {
 public:
  struct Merge {
    std::int32_t left = 0;
    std::int32_t right = 0;
    std::int32_t merged = 0;
  };
  struct Options {
    // A word that is a token as a whole becomes that token, whatever the merges would make of it.
    bool ignore_merges = false;
    // A character that is no token becomes the tokens <0xNN> of its bytes, if all of them are there.
    bool byte_fallback = false;
    // What any other character that is no token becomes; unset: nothing.
    std::optional<std::int32_t> unknown;
    // A run of those becomes one token.
    bool fuse_unknown = false;
  };

  // `merges` by rank. A pair that comes twice keeps its last rank. Their ids are in the vocabulary.
  BpeModel(Vocabulary vocabulary, const std::vector<Merge>& merges, Options options);

  // Appends the ids of one word (valid UTF-8). O(n log n) in the word's length, which is below 2^31.
  void Tokenize(std::string_view word, std::vector<std::int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  struct Rule {
    std::uint32_t rank = 0;
    std::int32_t merged = 0;
  };
  class Word;

  // nullptr when the pair never merges.
  const Rule* FindRule(std::int32_t left, std::int32_t right) const;
  // Appends the tokens of the bytes of a character; false when one of them is not there.
  bool AppendBytes(std::string_view character, Word& word) const;
  // The word's symbols before anything is merged.
  void AppendCharacters(std::string_view text, Word& word) const;

  Vocabulary vocabulary_;
  Options options_;
  // Tokens <0x00> to <0xFF>; all unset without byte_fallback.
  std::array<std::optional<std::int32_t>, 256> byte_tokens_;
  absl::flat_hash_map<std::pair<std::int32_t, std::int32_t>, Rule> rules_;
};

}  // namespace headscope::worker::tokenization
