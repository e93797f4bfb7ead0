// Samples laid end to end, the only form in which token ids reach an engine.
#pragma once

#include <cstdint>
#include <vector>

namespace headscope::worker {

// Tokens of `size()` samples without padding. An engine that pads does so inside. A plain value.
// Invariants: offsets.front() == 0, offsets ascending, offsets.back() == token_ids.size(), prompt_tokens.size() ==
// size().
struct PackedBatch {
  // [tokens] vocabulary indices, sample after sample.
  std::vector<std::int32_t> token_ids;
  // [samples + 1] sample b owns token_ids[offsets[b], offsets[b + 1]).
  std::vector<std::int64_t> offsets = {0};
  // [samples] leading tokens that are prompt; the others are supervised. With 0 the first token has nothing to be
  // predicted from and stays unsupervised (as with 1).
  std::vector<std::int64_t> prompt_tokens;

  std::int64_t size() const { return static_cast<std::int64_t>(prompt_tokens.size()); }
  std::int64_t tokens() const { return offsets.back(); }
  std::int64_t Length(std::int64_t sample) const { return offsets[sample + 1] - offsets[sample]; }
  // Tokens whose negative log-likelihood enters the objective of `sample`.
  std::int64_t ResponseTokens(std::int64_t sample) const {
    const std::int64_t first = prompt_tokens[sample] > 0 ? prompt_tokens[sample] : 1;
    return Length(sample) - first;
  }
  // Appends one sample.
  void Add(const std::vector<std::int32_t>& ids, std::int64_t prompt) {
    token_ids.insert(token_ids.end(), ids.begin(), ids.end());
    offsets.push_back(static_cast<std::int64_t>(token_ids.size()));
    prompt_tokens.push_back(prompt);
  }
};

}  // namespace headscope::worker
