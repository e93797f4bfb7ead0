// Raw scores of samples as plain values, and the bytes in which a shard's scores are stored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/recorded_tokens.h"

namespace headscope::server {

// Scores of some samples of a shard.
struct ScoreBlock {
  std::vector<std::uint32_t> samples;  // positions in the dataset
  std::vector<std::uint32_t> tokens;
  std::vector<std::uint32_t> response_tokens;
  std::vector<double> objective;  // nats
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  // [samples, layers, heads], row-major, by plane name.
  std::map<std::string, std::vector<float>> planes;
  // Of a whole shard whose job records them.
  std::optional<RecordedTokens> recorded;
};

// INVALID_ARGUMENT unless all arrays agree in length and every number is finite.
absl::Status CheckScoreBlock(const ScoreBlock& block);

// A stored shard is one block: "HSS1", then little-endian u32 samples, layers, heads, planes; the sample, tokens and
// response_tokens arrays (u32); objective (f64); for every plane in name order its name's length (u32), name, values
// (f32). With recorded tokens it begins with "HSS2" and ends with them (recorded_tokens.h).
std::string EncodeScores(const ScoreBlock& block);
// DATA_LOSS when the bytes are not that.
absl::StatusOr<ScoreBlock> DecodeScores(std::string_view bytes);

// Puts the blocks of one shard together, samples ascending. INVALID_ARGUMENT unless they cover `samples` exactly once
// with the same planes and shape. Recorded tokens are none of a block's and are added to the whole.
absl::StatusOr<ScoreBlock> MergeScores(std::vector<ScoreBlock> blocks, const std::vector<std::uint32_t>& samples);

}  // namespace headscope::server
