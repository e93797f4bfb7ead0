// A job's raw scores: what ReadResult streams, read into memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::client {

// The tokens of one sample.
struct SampleTokens {
  std::vector<std::int32_t> ids;
  // [ids] the token is supervised: its prediction counts.
  std::vector<bool> response_mask;
  // [ids] vocabulary strings, empty for an id that the tokenizer does not know; absent where the model has no tokenizer
  // that can be used.
  std::optional<std::vector<std::string>> strings;
};

// N scored samples in dataset order.
struct Scores {
  std::vector<std::string> ids;
  // 0-based positions in the dataset.
  std::vector<std::uint32_t> index;
  std::vector<std::uint32_t> tokens;
  // Supervised tokens.
  std::vector<std::uint32_t> response_tokens;
  // Nats.
  std::vector<double> objective;
  std::size_t layers = 0;
  std::size_t heads = 0;
  // By name, each [N, layers, heads] row-major.
  std::map<std::string, std::vector<float>> planes;
  // [N] where the job records tokens (ComputeOptions::record_tokens), otherwise absent.
  std::optional<std::vector<SampleTokens>> recorded;

  // Gradient planes: the sum of D over all query positions of one sample, [layers, heads] row-major.
  absl::StatusOr<std::vector<double>> Signed(std::size_t sample) const;
};

// Reads the safetensors bytes of AttributionService.ReadResult. DATA_LOSS for anything that does not hold together:
// nothing of what arrives is trusted.
absl::StatusOr<Scores> ParseScores(std::string_view safetensors);

}  // namespace headscope::client
