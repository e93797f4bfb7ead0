#include "tests/worker/support/random_decoder.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "worker/model/decoder_weights.h"
#include "worker/model/dtype.h"

namespace headscope::worker {
namespace {

DecoderSpec Base() {
  DecoderSpec spec;
  spec.family = "random";
  spec.layers = 3;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = 6;
  spec.width = 20;
  spec.mlp_width = 28;
  spec.vocabulary = 53;
  spec.positions = 128;
  spec.attention.assign(3, {.scale = 0.4, .window = {}, .score_soft_cap = {}, .rope = 0});
  spec.ropes = {{.dimensions = 6, .inverse_frequency = {1.0F, 0.1F, 0.01F}, .attention_scaling = 1.0}};
  return spec;
}

DecoderSpec Learned(ResidualKind residual, ActivationKind activation) {
  DecoderSpec spec = Base();
  spec.norm = NormKind::kLayerNorm;
  spec.residual = residual;
  spec.activation = activation;
  spec.gated_mlp = false;
  spec.position = PositionKind::kLearned;
  spec.position_row_offset = 2;
  spec.ropes.clear();
  for (AttentionSpec& attention : spec.attention) attention.rope.reset();
  return spec;
}

DecoderSpec Partial(bool shared_norm) {
  DecoderSpec spec = Base();
  spec.norm = NormKind::kLayerNorm;
  spec.residual = ResidualKind::kParallel;
  spec.parallel_shared_norm = shared_norm;
  spec.gated_mlp = false;
  spec.activation = shared_norm ? ActivationKind::kGeluTanh : ActivationKind::kGelu;
  spec.kv_heads = spec.heads;
  spec.ropes = {{.dimensions = 4, .inverse_frequency = {1.0F, 0.05F}, .attention_scaling = 1.2}};
  return spec;
}

DecoderSpec Sandwich() {
  DecoderSpec spec = Base();
  spec.residual = ResidualKind::kSandwich;
  spec.activation = ActivationKind::kGeluTanh;
  spec.norm_weight_plus_one = true;
  spec.embedding_scale = std::sqrt(20.0);
  spec.attention[0].window = 5;
  spec.attention[1].score_soft_cap = 2.0;
  spec.logit_soft_cap = 1.5;
  spec.tied_head = true;
  spec.kv_heads = 1;
  return spec;
}

DecoderSpec HeadNorms() {
  DecoderSpec spec = Base();
  spec.query_key_norm = true;
  spec.head_dim = 10;
  spec.ropes = {{.dimensions = 10, .inverse_frequency = {1.0F, 0.5F, 0.1F, 0.02F, 0.01F}, .attention_scaling = 1.0},
                {.dimensions = 10, .inverse_frequency = {0.5F, 0.2F, 0.1F, 0.02F, 0.01F}, .attention_scaling = 1.0}};
  spec.attention[1].rope = 1;
  spec.attention[2].window = 200;
  return spec;
}

DecoderSpec Projected() {
  DecoderSpec spec = Learned(ResidualKind::kPost, ActivationKind::kGelu);
  spec.projected_width = 12;
  spec.tied_head = true;
  return spec;
}

// Of the mixed batch's samples two are longer than the first rope's original positions and one than the second's, whose
// frequencies differ from length to length.
DecoderSpec LengthRopes() {
  DecoderSpec spec = Base();
  spec.ropes = {{.dimensions = 6,
                 .inverse_frequency = {1.0F, 0.1F, 0.01F},
                 .attention_scaling = 1.1,
                 .beyond = LongRope{.original_positions = 40, .inverse_frequency = {0.5F, 0.03F, 0.002F}}},
                {.dimensions = 4,
                 .inverse_frequency = {1.0F, 0.1F},
                 .attention_scaling = 1.0,
                 .beyond = LongRope{.original_positions = 16, .inverse_frequency = {}, .theta = 100.0, .factor = 2.0}}};
  spec.attention[1].rope = 1;
  return spec;
}

DecoderSpec HeadLayerNorms() {
  DecoderSpec spec = Partial(true);
  spec.query_key_norm = true;
  spec.kv_heads = 2;
  return spec;
}

// Draws weights in a fixed order.
class Drawing {
 public:
  explicit Drawing(DType dtype, bool round) : dtype_(ToScalarType(dtype)), round_(round) {}

  at::Tensor Tensor(std::vector<std::int64_t> sizes, double deviation, double mean = 0.0) {
    at::Tensor drawn = at::randn(sizes, generator_, at::TensorOptions(at::kFloat)) * deviation + mean;
    if (round_) drawn = drawn.to(at::kBFloat16);
    return drawn.to(dtype_);
  }
  Affine Linear(std::int64_t out, std::int64_t in, bool bias) {
    Affine affine{Tensor({out, in}, 1.5 / std::sqrt(static_cast<double>(in))), {}};
    if (bias) affine.bias = Tensor({out}, 0.2);
    return affine;
  }
  Affine Norm(std::int64_t width, const DecoderSpec& spec) {
    Affine affine{Tensor({width}, 0.3, spec.norm_weight_plus_one ? 0.0 : 1.0), {}};
    if (spec.norm == NormKind::kLayerNorm) affine.bias = Tensor({width}, 0.2);
    return affine;
  }

 private:
  const at::ScalarType dtype_;
  const bool round_;
  at::Generator generator_ = at::detail::createCPUGenerator(11);
};

LayerWeights DrawLayer(const DecoderSpec& spec, bool bias, Drawing& drawing) {
  LayerWeights layer;
  const std::int64_t columns = spec.heads * spec.head_dim, kv_columns = spec.kv_heads * spec.head_dim;
  layer.attention_norm = drawing.Norm(spec.width, spec);
  layer.attention_post_norm = drawing.Norm(spec.width, spec);
  layer.query = drawing.Linear(columns, spec.width, bias);
  layer.key = drawing.Linear(kv_columns, spec.width, bias);
  layer.value = drawing.Linear(kv_columns, spec.width, bias);
  layer.output = drawing.Linear(spec.width, columns, bias);
  layer.query_norm = drawing.Norm(spec.head_dim, spec);
  layer.key_norm = drawing.Norm(spec.head_dim, spec);
  layer.mlp_norm = drawing.Norm(spec.width, spec);
  layer.mlp_post_norm = drawing.Norm(spec.width, spec);
  layer.gate = drawing.Linear(spec.mlp_width, spec.width, bias);
  layer.up = drawing.Linear(spec.mlp_width, spec.width, bias);
  layer.down = drawing.Linear(spec.width, spec.mlp_width, bias);
  return layer;
}

}  // namespace

std::vector<NamedSpec> EverySpec() {
  DecoderSpec post = Learned(ResidualKind::kPost, ActivationKind::kRelu);
  post.final_norm = false;
  return {{"pre_learned_gelu", Learned(ResidualKind::kPre, ActivationKind::kGeluTanh)},
          {"pre_rotary_gated", Base()},
          {"post_relu", post},
          {"sandwich_caps_windows", Sandwich()},
          {"parallel_two_norms", Partial(false)},
          {"parallel_shared_norm", Partial(true)},
          {"head_norms_two_ropes", HeadNorms()},
          {"projected_post", Projected()},
          {"ropes_by_length", LengthRopes()},
          {"parallel_head_layer_norms", HeadLayerNorms()}};
}

std::shared_ptr<const Model> RandomModel(const DecoderSpec& spec, DType dtype, bool round) {
  Drawing drawing(dtype, round);
  auto weights = std::make_unique<DecoderWeights>();
  const bool bias = spec.norm == NormKind::kLayerNorm;
  const std::int64_t embedding_width = spec.projected_width.value_or(spec.width);
  weights->embedding.weight = drawing.Tensor({spec.vocabulary, embedding_width}, 1.0);
  weights->position_embedding.weight = drawing.Tensor({spec.positions + spec.position_row_offset, spec.width}, 0.5);
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) weights->layers.push_back(DrawLayer(spec, bias, drawing));
  weights->final_norm = drawing.Norm(spec.width, spec);
  weights->head = drawing.Linear(spec.vocabulary, embedding_width, bias);
  if (spec.projected_width.has_value()) {
    weights->embedding_projection = drawing.Linear(spec.width, embedding_width, false);
    weights->head_projection = drawing.Linear(embedding_width, spec.width, false);
  }
  if (spec.tied_head) weights->head.weight = weights->embedding.weight;
  return Model::Assemble(spec, {.dtype = dtype, .device = "cpu", .root = ""}, std::move(weights));
}

}  // namespace headscope::worker
