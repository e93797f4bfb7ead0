// A data row as the model reads it: token ids and where the response begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker {

struct EncodedSample {
  std::vector<std::int32_t> ids;
  // Tokens before the response; 1 for a plain text. 0 only for token ids: their first token, which nothing predicts, is
  // unsupervised all the same.
  std::int64_t prompt_tokens = 0;
  // Tokens that `max_tokens` cut away.
  std::int64_t cut_tokens = 0;
};

struct EncodeOptions {
  // Appended to text rows, unless their ids end with it already. Unset: nothing is appended. Never for token ids.
  std::optional<std::int32_t> end_of_sequence;
  // Keeps the first `max_tokens` tokens of a row. Unset: all of them.
  std::optional<std::uint32_t> max_tokens;
  // Positions of the model: a row longer than this (after `max_tokens`) is invalid.
  std::int64_t positions = 0;
  // Rows of the model's embedding: an id is valid in [0, vocabulary).
  std::int64_t vocabulary = 0;
};

// Each function returns INVALID_ARGUMENT with the row's fault, worded for the user who sent the row: nothing supervised
// (empty, or cut away whole), longer than the positions, ids outside the vocabulary, text that is not UTF-8.

// `text` with special tokens, as a sample begins with it. Text that writes the leading special tokens itself, as a
// rendered chat template does, gets no second ones; in this alone it differs from Tokenizer::Encode.
absl::StatusOr<std::vector<std::int32_t>> EncodeOpening(const Tokenizer& tokenizer, std::string_view text);

// Prompt with special tokens, response without, end of sequence, concatenated.
absl::StatusOr<EncodedSample> EncodePair(const Tokenizer& tokenizer, std::string_view prompt, std::string_view response,
                                         const EncodeOptions& options);

// The whole text with special tokens, end of sequence; all but the first token is response.
absl::StatusOr<EncodedSample> EncodeText(const Tokenizer& tokenizer, std::string_view text,
                                         const EncodeOptions& options);

// A row that came as token ids, cut to `max_tokens` and checked.
absl::StatusOr<EncodedSample> CheckTokenIds(std::vector<std::int32_t> ids, std::int64_t prompt_tokens,
                                            const EncodeOptions& options);

}  // namespace headscope::worker
