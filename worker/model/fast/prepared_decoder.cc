#include "worker/model/fast/prepared_decoder.h"

#include <utility>

#include <ATen/ATen.h>

#include "worker/model/fast/low_rank_linear.h"

namespace headscope::worker {
namespace {

// Gains and biases are small: they are held in the activations' type, which changes no value.
NormWeights Widened(const Affine& norm, at::ScalarType type) {
  NormWeights weights;
  if (norm.weight.defined()) weights.gain = norm.weight.to(type).contiguous();
  if (norm.bias.defined()) weights.bias = norm.bias.to(type).contiguous();
  return weights;
}

AttentionOptions OptionsOf(const DecoderSpec& spec, const AttentionSpec& attention) {
  AttentionOptions options;
  options.heads = spec.heads;
  options.kv_heads = spec.kv_heads;
  options.head_dim = spec.head_dim;
  options.scale = attention.scale;
  options.window = attention.window;
  options.soft_cap = attention.score_soft_cap;
  return options;
}

class Preparation {
 public:
  Preparation(const DecoderSpec& spec, Operations& operations) : spec_(spec), operations_(operations) {}

  PreparedLayer Layer(const LayerWeights& weights, const AttentionSpec& attention) {
    PreparedLayer layer;
    layer.attention_norm = Widened(weights.attention_norm, operations_.type());
    layer.attention_post_norm = Widened(weights.attention_post_norm, operations_.type());
    layer.query_norm = Widened(weights.query_norm, operations_.type());
    layer.key_norm = Widened(weights.key_norm, operations_.type());
    layer.mlp_norm = Widened(weights.mlp_norm, operations_.type());
    layer.mlp_post_norm = Widened(weights.mlp_post_norm, operations_.type());
    layer.query = Linear(weights.query);
    layer.key = Linear(weights.key);
    layer.value = Linear(weights.value);
    layer.output = Linear(weights.output);
    if (spec_.gated_mlp) layer.gate = Linear(weights.gate);
    layer.up = Linear(weights.up);
    layer.down = Linear(weights.down);
    layer.attention = OptionsOf(spec_, attention);
    return layer;
  }

  std::int64_t packed_bytes() const { return packed_bytes_; }

  std::unique_ptr<LinearOperation> Linear(const Affine& affine) {
    std::unique_ptr<LinearOperation> linear = operations_.PrepareLinear(affine.weight, affine.bias);
    if (affine.low_rank.has_value()) linear = WithLowRank(std::move(linear), *affine.low_rank, operations_);
    packed_bytes_ += linear->packed_bytes();
    return linear;
  }

 private:
  const DecoderSpec& spec_;
  Operations& operations_;
  std::int64_t packed_bytes_ = 0;
};

}  // namespace

PreparedDecoder PrepareDecoder(const DecoderSpec& spec, const DecoderWeights& weights, Operations& operations) {
  PreparedDecoder decoder;
  decoder.norm = {spec.norm, spec.norm_epsilon, spec.norm_weight_plus_one};
  Preparation preparation(spec, operations);
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    decoder.layers.push_back(preparation.Layer(weights.layers[layer], spec.attention[layer]));
  }
  decoder.final_norm = Widened(weights.final_norm, operations.type());
  if (spec.projected_width.has_value()) {
    decoder.embedding_projection = preparation.Linear(weights.embedding_projection);
    decoder.head_projection = preparation.Linear(weights.head_projection);
  }
  decoder.packed_bytes = preparation.packed_bytes();
  return decoder;
}

}  // namespace headscope::worker
