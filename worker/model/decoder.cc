#include "worker/model/decoder.h"

#include <map>
#include <optional>

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "worker/model/rope_tables.h"
#include "worker/tensor/kernels.h"

namespace headscope::worker {
namespace {

// x [..., in] -> [..., out], without the bias.
at::Tensor Product(const Affine& linear, const at::Tensor& x) {
  const at::Tensor y = at::linear(x, linear.weight);
  if (!linear.low_rank.has_value()) return y;
  const LowRankTerm& term = *linear.low_rank;
  return y + at::linear(at::linear(x, term.down), term.up) * term.scale;
}

// x [..., in] -> [..., out].
at::Tensor Apply(const Affine& linear, const at::Tensor& x) {
  if (!linear.low_rank.has_value()) return at::linear(x, linear.weight, linear.bias);
  const at::Tensor y = Product(linear, x);
  return linear.bias.defined() ? y + linear.bias : y;
}

at::Tensor Activate(ActivationKind kind, const at::Tensor& x) {
  switch (kind) {
    case ActivationKind::kRelu:
      return at::relu(x);
    case ActivationKind::kGelu:
      return at::gelu(x, "none");
    case ActivationKind::kGeluTanh:
      return at::gelu(x, "tanh");
    case ActivationKind::kSilu:
      break;
  }
  return at::silu(x);
}

// One forward pass. Letters as in kernels.h.
class Forward {
 public:
  Forward(const DecoderSpec& spec, const DecoderWeights& weights, const ForwardInput& input)
      : spec_(spec), weights_(weights), input_(input), positions_(input.token_ids.size(1)) {
    for (const RopeSpec& rope : spec.ropes) ropes_.push_back(Table(rope));
    for (const AttentionSpec& attention : spec.attention) {
      if (hidden_.contains(attention.window)) continue;
      hidden_[attention.window] = HiddenKeys(positions_, attention.window, weights.embedding.weight.device());
    }
  }

  absl::StatusOr<at::Tensor> Run() {
    at::Tensor x = Embed();  // [B, Q, D]
    for (std::int64_t layer = 0; layer < spec_.layers; ++layer) {
      if (input_.cancelled && input_.cancelled()) return absl::CancelledError("cancelled between layers");
      x = Block(layer, x);
    }
    return spec_.final_norm ? Norm(weights_.final_norm, x) : x;
  }

 private:
  // [Q, dimensions / 2], or [B, 1, Q, dimensions / 2] where samples differ.
  RopeTable Table(const RopeSpec& rope) const {
    std::vector<std::int64_t> lengths = input_.lengths;
    if (lengths.empty()) lengths.assign(static_cast<std::size_t>(input_.token_ids.size(0)), positions_);
    const BatchRope batch = MakeBatchRope(rope, lengths, positions_, weights_.embedding.weight);
    if (batch.tables == 1) return batch.table;
    const at::Tensor index = at::tensor(batch.table_of_sample, at::kLong).to(input_.token_ids.device());
    const auto by_sample = [&](const at::Tensor& rows) {
      return rows.view({batch.tables, 1, positions_, -1}).index_select(0, index);
    };
    return {by_sample(batch.table.cosine), by_sample(batch.table.sine)};
  }

  at::Tensor Norm(const Affine& norm, const at::Tensor& x) const {
    if (spec_.norm == NormKind::kLayerNorm) return LayerNorm(x, norm.weight, norm.bias, spec_.norm_epsilon);
    return RmsNorm(x, norm.weight, spec_.norm_epsilon, spec_.norm_weight_plus_one);
  }

  // token_ids [B, Q] -> [B, Q, D]
  at::Tensor Embed() const {
    at::Tensor x = at::embedding(weights_.embedding.weight, input_.token_ids);
    if (spec_.projected_width.has_value()) x = Apply(weights_.embedding_projection, x);
    // The factor is rounded to the compute dtype first, as a tensor of it.
    if (spec_.embedding_scale != 1.0) x = x * at::full({}, spec_.embedding_scale, x.options());
    if (spec_.position == PositionKind::kLearned) {
      x = x + weights_.position_embedding.weight.narrow(0, spec_.position_row_offset, positions_);
    }
    return x;
  }

  // x [B, Q, D] -> [B, Q, D], the residual stream before and after layer `layer`.
  at::Tensor Block(std::int64_t layer, const at::Tensor& x) const {
    const LayerWeights& at = weights_.layers[layer];
    switch (spec_.residual) {
      case ResidualKind::kPre: {
        const at::Tensor y = x + Attention(layer, Norm(at.attention_norm, x));
        return y + Mlp(at, Norm(at.mlp_norm, y));
      }
      case ResidualKind::kPost: {
        const at::Tensor y = Norm(at.attention_norm, x + Attention(layer, x));
        return Norm(at.mlp_norm, y + Mlp(at, y));
      }
      case ResidualKind::kSandwich: {
        const at::Tensor y = x + Norm(at.attention_post_norm, Attention(layer, Norm(at.attention_norm, x)));
        return y + Norm(at.mlp_post_norm, Mlp(at, Norm(at.mlp_norm, y)));
      }
      case ResidualKind::kParallel:
        break;
    }
    const at::Tensor normed = Norm(at.attention_norm, x);
    return x + Attention(layer, normed) + Mlp(at, spec_.parallel_shared_norm ? normed : Norm(at.mlp_norm, x));
  }

  // x [B, Q, D] -> [B, heads, Q, d]
  at::Tensor Heads(const Affine& projection, const at::Tensor& x, std::int64_t heads) const {
    return Apply(projection, x).view({x.size(0), positions_, heads, spec_.head_dim}).transpose(1, 2);
  }

  // Norms each head of q or k where the model does, then rotates. x [B, heads, Q, d] -> same.
  at::Tensor Place(const at::Tensor& x, const Affine& norm, const AttentionSpec& attention) const {
    const at::Tensor normed = spec_.query_key_norm ? Norm(norm, x) : x;
    return attention.rope.has_value() ? ApplyRope(normed, ropes_[*attention.rope]) : normed;
  }

  // x [B, Q, D] -> [B, Q, D]
  at::Tensor Attention(std::int64_t layer, const at::Tensor& x) const {
    const LayerWeights& at = weights_.layers[layer];
    const AttentionSpec& attention = spec_.attention[layer];
    const at::Tensor query = Place(Heads(at.query, x, spec_.heads), at.query_norm, attention);
    const at::Tensor key = Place(Heads(at.key, x, spec_.kv_heads), at.key_norm, attention);
    const at::Tensor value = Heads(at.value, x, spec_.kv_heads);
    const at::Tensor z = Attend(query, key, value, hidden_.at(attention.window), attention.scale,
                                attention.score_soft_cap);                  // [B, H, Q, d]
    const at::Tensor columns = Gated(layer, z).transpose(1, 2).flatten(2);  // [B, Q, H * d]
    const at::Tensor projected = Product(at.output, columns);               // [B, Q, D]
    if (input_.observer != nullptr) input_.observer->OnAttention(layer, z, projected);
    return at.output.bias.defined() ? projected + at.output.bias : projected;
  }

  // z [B, H, Q, d] times the layer's gates.
  at::Tensor Gated(std::int64_t layer, const at::Tensor& z) const {
    if (input_.gates.empty()) return z;
    const at::Tensor& gates = input_.gates[layer];
    return z * (gates.dim() == 2 ? gates.unsqueeze(-1) : gates).unsqueeze(-1);
  }

  // x [B, Q, D] -> [B, Q, D]
  at::Tensor Mlp(const LayerWeights& at, const at::Tensor& x) const {
    const at::Tensor up = Apply(at.up, x);
    if (!spec_.gated_mlp) return Apply(at.down, Activate(spec_.activation, up));
    return Apply(at.down, Activate(spec_.activation, Apply(at.gate, x)) * up);
  }

  const DecoderSpec& spec_;
  const DecoderWeights& weights_;
  const ForwardInput& input_;
  const std::int64_t positions_;
  std::vector<RopeTable> ropes_;
  std::map<std::optional<std::int64_t>, at::Tensor> hidden_;  // by window
};

}  // namespace

absl::StatusOr<at::Tensor> ForwardHidden(const DecoderSpec& spec, const DecoderWeights& weights,
                                         const ForwardInput& input) {
  return Forward(spec, weights, input).Run();
}

at::Tensor HeadLogits(const DecoderSpec& spec, const DecoderWeights& weights, const at::Tensor& hidden) {
  const at::Tensor logits =
      Apply(weights.head, spec.projected_width.has_value() ? Apply(weights.head_projection, hidden) : hidden);
  return spec.logit_soft_cap.has_value() ? SoftCap(logits, *spec.logit_soft_cap) : logits;
}

}  // namespace headscope::worker
