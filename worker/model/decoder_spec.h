// What the generic decoder needs to know of a model: everything that differs between families, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/tensor/layer_kinds.h"

namespace headscope::worker {

enum class PositionKind { kLearned, kRotary };
// Where a block's norms stand. kPre: x + f(norm(x)). kPost: norm(x + f(x)). kSandwich: x + norm(f(norm(x))).
// kParallel: x + attention(norm1(x)) + mlp(norm2(x)), norm2 possibly the same norm.
enum class ResidualKind { kPre, kPost, kSandwich, kParallel };

// What a rope turns into in samples of more than `original_positions` tokens.
struct LongRope {
  std::int64_t original_positions = 0;
  // longrope: the frequencies of all longer samples [dimensions / 2]. Empty: dynamic, whose base frequency `theta`
  // grows with the sample's length, faster for a larger `factor`.
  std::vector<float> inverse_frequency;
  double theta = 0.0;
  double factor = 1.0;
};

// Rotary embedding: half-split rotation of the first `dimensions` columns of each head by position * inverse_frequency.
struct RopeSpec {
  std::int64_t dimensions = 0;
  // [dimensions / 2], computed in float32 with any scaling (linear, llama3, ...) already applied.
  std::vector<float> inverse_frequency;
  // Multiplies cosine and sine (yarn, longrope); 1 otherwise.
  double attention_scaling = 1.0;
  // Every sample chooses by its own length, whatever else is in its batch. Absent: all lengths are alike.
  std::optional<LongRope> beyond = std::nullopt;
  // For people: "default", "llama3", ..., and its numbers as config.json calls them.
  std::string kind = "default";
  std::vector<std::pair<std::string, double>> numbers = {};
};

// One layer's attention. Per layer because windows and ropes alternate in some families.
struct AttentionSpec {
  // Multiplies q.k before soft cap and mask.
  double scale = 1.0;
  // Keys visible from a query, itself included; absent: all earlier ones.
  std::optional<std::int64_t> window;
  // scores <- cap * tanh(scores / cap), before the mask.
  std::optional<double> score_soft_cap;
  // Index into DecoderSpec::ropes; absent with learned positions.
  std::optional<int> rope;
};

// A model's architecture. A plain value; immutable once made by its family.
struct DecoderSpec {
  std::string family;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t width = 0;  // d_model
  // Columns of the embedding and of the head where they are not `width` (OPT 350m): a projection without bias leads
  // from one to the stream, another from the stream to the other.
  std::optional<std::int64_t> projected_width = std::nullopt;
  std::int64_t mlp_width = 0;
  std::int64_t vocabulary = 0;  // rows of the embedding
  std::int64_t positions = 0;   // longest sample, in tokens

  NormKind norm = NormKind::kRmsNorm;
  double norm_epsilon = 1e-6;
  // RMS norm multiplies by (1 + weight) (Gemma).
  bool norm_weight_plus_one = false;
  PositionKind position = PositionKind::kRotary;
  // Learned positions: row = position + this (OPT: 2).
  std::int64_t position_row_offset = 0;
  std::vector<RopeSpec> ropes;
  std::vector<AttentionSpec> attention;  // [layers]
  // Every head of q and k is normed before the rotation (Qwen3, Gemma 3, some Phi).
  bool query_key_norm = false;
  ActivationKind activation = ActivationKind::kSilu;
  bool gated_mlp = true;
  ResidualKind residual = ResidualKind::kPre;
  // kParallel only: one norm feeds both branches (Phi).
  bool parallel_shared_norm = false;
  // A norm stands before the vocabulary head (some post-norm models have none).
  bool final_norm = true;
  // Embeddings are multiplied by this, rounded to the compute dtype first (Gemma: sqrt(width)).
  double embedding_scale = 1.0;
  // logits <- cap * tanh(logits / cap).
  std::optional<double> logit_soft_cap;
  bool tied_head = false;
};

}  // namespace headscope::worker
