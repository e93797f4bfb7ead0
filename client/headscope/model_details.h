// What of a model only people and tools want to know, as plain values. See headscope.v1.ModelDetails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/headscope/options.h"

namespace headscope::client {

// A rotary embedding.
struct Rope {
  // "default", "llama3", ...
  std::string kind;
  // Columns of each head that are rotated.
  std::uint32_t dimensions = 0;
  // By the configuration's own keys.
  std::vector<std::pair<std::string, double>> numbers;
};

// Layers that attend alike.
struct AttentionGroup {
  // 0-based.
  std::vector<std::uint32_t> layers;
  // Keys that a query sees, itself included; absent: all earlier ones.
  std::optional<std::uint64_t> window;
  std::optional<double> score_soft_cap;
  // Absent with learned positions.
  std::optional<Rope> rope;
};

// Components of a tokenizer.json by their types; empty: none.
struct TokenizerComponents {
  std::string normalizer;
  std::string pre_tokenizer;
  std::string model;
  std::string post_processor;
  std::string decoder;
};

// A LoRA adapter.
struct Adapter {
  // Name of its base model.
  std::string base;
  std::uint32_t rank = 0;
  double alpha = 0.0;
  // Scaled by alpha / sqrt(rank) instead of alpha / rank.
  bool rank_stabilised = false;
  // Last steps of the paths of modules with a low-rank term, and tensors of the base that it replaces.
  std::vector<std::string> targets;
  std::vector<std::string> replaced;
  std::uint64_t parameters = 0;
};

struct ModelDetails {
  std::uint32_t width = 0;
  std::uint32_t mlp_width = 0;
  // Parameters in the files by dtype.
  std::vector<std::pair<std::string, std::uint64_t>> stored;
  std::vector<AttentionGroup> attention;
  // Activations that the fast engine keeps, in bytes for each token of a batch.
  std::uint64_t bytes_per_token = 0;
  // What the fast engine computes in when float32 is asked for: float64 for a small model.
  DType float32_arithmetic = DType::kFloat32;
  std::optional<TokenizerComponents> tokenizer;
  std::optional<Adapter> adapter;
  // What of the files is not used although one might think so.
  std::vector<std::string> notes;
};

}  // namespace headscope::client
