// Byte-pair encoding: a word's characters are joined pair by pair, the earliest learnt pair first.
#pragma once

#include <cstdint>
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
  };

  // `merges` by rank. A pair that comes twice keeps its last rank. Their ids are in the vocabulary.
  BpeModel(Vocabulary vocabulary, const std::vector<Merge>& merges, Options options);

  // Appends the ids of one word (valid UTF-8). Characters that are no token are left out, as the reference library does
  // for a model without an unknown token. O(n log n) in the word's length, which is below 2^31.
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

  Vocabulary vocabulary_;
  Options options_;
  absl::flat_hash_map<std::pair<std::int32_t, std::int32_t>, Rule> rules_;
};

}  // namespace headscope::worker::tokenization
