#include "worker/model/fast/layer_pass.h"

#include <ATen/ATen.h>

namespace headscope::worker {
namespace {

// x [n, heads * d] as [n * heads, d].
at::Tensor ByHead(const at::Tensor& x, std::int64_t head_dim) { return x.view({-1, head_dim}); }

// The first rows of a norm's buffers, as many as `x` has.
NormTape Rows(const NormTape& tape, const at::Tensor& x) {
  return {tape.normed.narrow(0, 0, x.size(0)), tape.scale.view({-1}).narrow(0, 0, x.size(0))};
}

at::Tensor Rows(const at::Tensor& tensor, const at::Tensor& x) { return tensor.narrow(0, 0, x.size(0)); }

}  // namespace

LayerPass::LayerPass(const DecoderSpec& spec, const PreparedDecoder& decoder, Operations& operations,
                     Workspace& workspace, const TokenPlan& plan, const std::vector<TokenRope>& ropes)
    : spec_(spec), decoder_(decoder), operations_(operations), workspace_(workspace), plan_(plan), ropes_(ropes) {}

at::Tensor LayerPass::Take(const char* name, const at::Tensor& like) {
  return workspace_.Take(name, like.size(0), like.size(1));
}

void LayerPass::Norm(const NormWeights& weights, const at::Tensor& x, NormTape& tape, const at::Tensor& out) {
  const NormTape rows = Rows(tape, x);
  operations_.Norm(decoder_.norm, weights, x, rows.normed, rows.scale, out);
}

void LayerPass::NormBackward(const NormWeights& weights, const NormTape& tape, const at::Tensor& dout,
                             const at::Tensor& dx, bool add) {
  const NormTape rows = Rows(tape, dout);
  operations_.NormBackward(decoder_.norm, weights, dout, rows.normed, rows.scale, dx, add);
}

bool LayerPass::Selects(std::int64_t layer) const {
  return layer + 1 == spec_.layers && static_cast<std::int64_t>(plan_.rows.size()) < plan_.size();
}

at::Tensor LayerPass::Select(const at::Tensor& x) const { return x.index_select(0, plan_.row_index); }

at::Tensor LayerPass::Spread(const char* name, const at::Tensor& dx) {
  const at::Tensor spread = workspace_.Take(name, plan_.size(), dx.size(1));
  spread.zero_();
  return spread.index_copy_(0, plan_.row_index, dx);
}

void LayerPass::HeadNorm(const NormWeights& norm, NormTape& tape, const at::Tensor& heads) {
  if (!spec_.query_key_norm) return;
  const at::Tensor rows = ByHead(heads, spec_.head_dim);
  Norm(norm, rows, tape, rows);
}

void LayerPass::Attend(const PreparedLayer& layer, const AttentionSpec& attention, const at::Tensor& hidden,
                       LayerTape& tape) {
  layer.query->Forward(hidden, tape.query, false);
  layer.key->Forward(hidden, tape.key, false);
  layer.value->Forward(hidden, tape.value, false);
  HeadNorm(layer.query_norm, tape.query_norm, tape.query);
  HeadNorm(layer.key_norm, tape.key_norm, tape.key);
  if (attention.rope.has_value()) {
    const TokenRope& rope = ropes_[*attention.rope];
    operations_.Rotate(rope.table, rope.rows, spec_.head_dim, false, tape.query);
    operations_.Rotate(rope.table, rope.rows, spec_.head_dim, false, tape.key);
  }
  operations_.Attention(layer.attention, plan_.offsets, tape.query, tape.key, tape.value, tape.z, tape.lse);
}

void LayerPass::Mlp(const PreparedLayer& layer, const at::Tensor& hidden, LayerTape& tape, const at::Tensor& out,
                    bool add) {
  const at::Tensor up = Rows(tape.up, hidden);
  const at::Tensor inner = Take("mlp inner", up);
  layer.up->Forward(hidden, up, false);
  if (spec_.gated_mlp) {
    const at::Tensor gate = Rows(tape.gate, hidden);
    layer.gate->Forward(hidden, gate, false);
    operations_.ActivateGated(spec_.activation, gate, up, inner);
  } else {
    operations_.Activate(spec_.activation, up, inner);
  }
  layer.down->Forward(inner, out, add);
}

at::Tensor LayerPass::Forward(std::int64_t index, const at::Tensor& x, const at::Tensor& gates, LayerTape& tape) {
  const PreparedLayer& layer = decoder_.layers[index];
  const bool post = spec_.residual == ResidualKind::kPost;
  at::Tensor hidden = post ? x : Take("hidden", x);
  if (!post) Norm(layer.attention_norm, x, tape.attention_norm, hidden);
  Attend(layer, spec_.attention[index], hidden, tape);
  at::Tensor z = tape.z;
  if (gates.defined()) z = (z.view({z.size(0), spec_.heads, -1}) * gates.unsqueeze(-1)).view(z.sizes());
  if (!Selects(index)) {
    Finish(layer, z, x, hidden, tape);
    return x;
  }
  const at::Tensor selected = Select(x);
  const bool shared = spec_.residual == ResidualKind::kParallel && spec_.parallel_shared_norm;
  Finish(layer, Select(z), selected, shared ? Select(hidden) : Take("hidden", selected), tape);
  return selected;
}

void LayerPass::Finish(const PreparedLayer& layer, const at::Tensor& z, const at::Tensor& x, const at::Tensor& hidden,
                       LayerTape& tape) {
  switch (spec_.residual) {
    case ResidualKind::kPre:
      layer.output->Forward(z, x, true);
      Norm(layer.mlp_norm, x, tape.mlp_norm, hidden);
      return Mlp(layer, hidden, tape, x, true);
    case ResidualKind::kPost: {
      layer.output->Forward(z, x, true);
      Norm(layer.attention_norm, x, tape.attention_norm, x);
      Mlp(layer, x, tape, x, true);
      return Norm(layer.mlp_norm, x, tape.mlp_norm, x);
    }
    case ResidualKind::kSandwich: {
      const at::Tensor branch = Take("branch", x);
      layer.output->Forward(z, branch, false);
      Norm(layer.attention_post_norm, branch, tape.attention_post_norm, branch);
      operations_.Add(x, branch);
      Norm(layer.mlp_norm, x, tape.mlp_norm, hidden);
      Mlp(layer, hidden, tape, branch, false);
      Norm(layer.mlp_post_norm, branch, tape.mlp_post_norm, branch);
      return operations_.Add(x, branch);
    }
    case ResidualKind::kParallel:
      break;
  }
  if (!spec_.parallel_shared_norm) Norm(layer.mlp_norm, x, tape.mlp_norm, hidden);
  layer.output->Forward(z, x, true);
  Mlp(layer, hidden, tape, x, true);
}

void LayerPass::MlpBackward(const PreparedLayer& layer, LayerTape& tape, const at::Tensor& dout, const at::Tensor& din,
                            bool add) {
  const at::Tensor up = Rows(tape.up, dout);
  const at::Tensor dinner = Take("mlp inner", up);
  layer.down->BackwardToData(dout, dinner, false);
  if (spec_.gated_mlp) {
    const at::Tensor gate = Rows(tape.gate, dout);
    operations_.Multiply(dinner, gate, gate);
    layer.gate->BackwardToData(gate, din, add);
  }
  operations_.Multiply(dinner, up, up);
  layer.up->BackwardToData(up, din, add || spec_.gated_mlp);
}

at::Tensor LayerPass::FinishBackward(std::int64_t index, const PreparedLayer& layer, LayerTape& tape,
                                     const at::Tensor& dx, at::Tensor* dhidden) {
  const at::Tensor dz = workspace_.Take("dz", dx.size(0), spec_.heads * spec_.head_dim);
  const at::Tensor dnormed = Take("d normed", dx);
  switch (spec_.residual) {
    case ResidualKind::kPre:
      MlpBackward(layer, tape, dx, dnormed, false);
      NormBackward(layer.mlp_norm, tape.mlp_norm, dnormed, dx, true);
      layer.output->BackwardToData(dx, dz, false);
      return dz;
    case ResidualKind::kPost:
      NormBackward(layer.mlp_norm, tape.mlp_norm, dx, dx, false);
      MlpBackward(layer, tape, dx, dx, true);
      NormBackward(layer.attention_norm, tape.attention_norm, dx, dx, false);
      layer.output->BackwardToData(dx, dz, false);
      return dz;
    case ResidualKind::kSandwich: {
      const at::Tensor dbranch = Take("branch", dx);
      NormBackward(layer.mlp_post_norm, tape.mlp_post_norm, dx, dbranch, false);
      MlpBackward(layer, tape, dbranch, dnormed, false);
      NormBackward(layer.mlp_norm, tape.mlp_norm, dnormed, dx, true);
      NormBackward(layer.attention_post_norm, tape.attention_post_norm, dx, dbranch, false);
      layer.output->BackwardToData(dbranch, dz, false);
      return dz;
    }
    case ResidualKind::kParallel:
      break;
  }
  layer.output->BackwardToData(dx, dz, false);
  if (index == 0) return dz;  // the MLP branch leads to no earlier head
  MlpBackward(layer, tape, dx, dnormed, false);
  if (spec_.parallel_shared_norm) {
    *dhidden = dnormed;
  } else {
    NormBackward(layer.mlp_norm, tape.mlp_norm, dnormed, dx, true);
  }
  return dz;
}

void LayerPass::AttendBackward(const PreparedLayer& layer, const AttentionSpec& attention, LayerTape& tape,
                               const at::Tensor& dz, const at::Tensor& dots, const at::Tensor& din, bool add) {
  const at::Tensor dquery = Take("d query", tape.query);
  const at::Tensor dkey = Take("d key", tape.key);
  const at::Tensor dvalue = Take("d value", tape.value);
  operations_.AttentionBackward(layer.attention, plan_.offsets, tape.query, tape.key, tape.value, tape.lse, dz, dots,
                                dquery, dkey, dvalue);
  if (attention.rope.has_value()) {
    const TokenRope& rope = ropes_[*attention.rope];
    operations_.Rotate(rope.table, rope.rows, spec_.head_dim, true, dquery);
    operations_.Rotate(rope.table, rope.rows, spec_.head_dim, true, dkey);
  }
  if (spec_.query_key_norm) {
    const at::Tensor by_query = ByHead(dquery, spec_.head_dim), by_key = ByHead(dkey, spec_.head_dim);
    NormBackward(layer.query_norm, tape.query_norm, by_query, by_query, false);
    NormBackward(layer.key_norm, tape.key_norm, by_key, by_key, false);
  }
  layer.query->BackwardToData(dquery, din, add);
  layer.key->BackwardToData(dkey, din, true);
  layer.value->BackwardToData(dvalue, din, true);
}

at::Tensor LayerPass::Reverse(std::int64_t index, const at::Tensor& dx, LayerTape& tape, const at::Tensor& dots) {
  const PreparedLayer& layer = decoder_.layers[index];
  at::Tensor dhidden;  // [m, w], with a shared norm only
  at::Tensor dz = FinishBackward(index, layer, tape, dx, &dhidden);
  if (Selects(index)) dz = Spread("dz spread", dz);
  operations_.HeadDots(spec_.heads, tape.z, dz, dots);
  if (index == 0) return at::Tensor();
  const at::Tensor before = Selects(index) ? Spread("dx", dx) : dx;
  if (spec_.residual == ResidualKind::kPost) {
    AttendBackward(layer, spec_.attention[index], tape, dz, dots, before, true);
    return before;
  }
  at::Tensor dnormed = Take("d hidden", before);
  if (dhidden.defined()) dnormed.copy_(Selects(index) ? Spread("d hidden spread", dhidden) : dhidden);
  AttendBackward(layer, spec_.attention[index], tape, dz, dots, dnormed, dhidden.defined());
  NormBackward(layer.attention_norm, tape.attention_norm, dnormed, before, true);
  return before;
}

}  // namespace headscope::worker
