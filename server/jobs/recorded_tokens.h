// The tokens that a job stores with its scores (ComputeOptions::record_tokens), and their part of a stored shard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/support/limits.h"
#include "server/jobs/stored_bytes.h"

namespace headscope::server {

// What one token takes at most, stored (id, mask, length, string) and in a worker's message alike.
inline constexpr std::uint64_t kRecordedTokenBytes = kMaxTokenStringBytes + 9;

// The tokens of a shard's samples, laid end to end.
struct RecordedTokens {
  std::vector<std::uint32_t> ids;
  // [ids] 1: the token is supervised; 0: it is not.
  std::vector<std::uint8_t> response_mask;
  // [ids] bytes of each token's vocabulary string; empty where the model has no tokenizer that can be used.
  std::vector<std::uint32_t> string_lengths;
  // The strings, laid end to end.
  std::string strings;
  friend bool operator==(const RecordedTokens&, const RecordedTokens&) = default;
};

// INVALID_ARGUMENT unless the arrays hold together and have, sample by sample, `tokens` tokens, `response_tokens` of
// them supervised. Says counts, never tokens.
absl::Status CheckRecordedTokens(const RecordedTokens& recorded, const std::vector<std::uint32_t>& tokens,
                                 const std::vector<std::uint32_t>& response_tokens);

// Stored: u32 tokens, u32 strings (tokens, or 0), u32 bytes of strings; then ids (u32), response_mask (u8),
// string_lengths (u32) and the strings.
void AppendRecordedTokens(const RecordedTokens& recorded, std::string& bytes);
// What stands next in `parser`, which says whether it was there; not checked.
RecordedTokens TakeRecordedTokens(ByteParser& parser);

}  // namespace headscope::server
