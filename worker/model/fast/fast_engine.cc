#include "worker/model/fast/fast_engine.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/fast/choose_operations.h"
#include "worker/model/fast/layer_pass.h"
#include "worker/model/fast/prepared_decoder.h"
#include "worker/model/fast/tape.h"
#include "worker/model/fast/token_plan.h"
#include "worker/model/padded_batch.h"
#include "worker/model/rope_tables.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_guard.h"

namespace headscope::worker {
namespace {

absl::Status Cancelled() { return absl::CancelledError("cancelled between layers"); }

// Gates [samples, layers, heads] as [n, layers, heads], one row per token.
at::Tensor TokenGates(const HeadGates& gates, const TokenPlan& plan, const DecoderSpec& spec,
                      const at::TensorOptions& options) {
  if (gates.empty()) return at::Tensor();
  const at::Tensor all = at::tensor(gates, at::kFloat).view({-1, spec.layers, spec.heads});
  return at::repeat_interleave(all, at::tensor(plan.SampleRows(), at::kLong), 0).to(options);
}

// Copies one layer's D [heads, n] to its place in [layers, heads, tokens]; tokens without a row stay zero.
void PackLayer(const at::Tensor& dots, const PackedBatch& batch, const TokenPlan& plan, std::int64_t layer,
               std::vector<float>* d) {
  const at::Tensor host = dots.to(at::kFloat).cpu().contiguous();
  const float* from = host.data_ptr<float>();
  const std::int64_t heads = host.size(0), n = host.size(1);
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
      std::copy(from + head * n + plan.offsets[sample], from + head * n + plan.offsets[sample + 1],
                d->begin() + (layer * heads + head) * batch.tokens() + batch.offsets[sample]);
    }
  }
}

}  // namespace

class FastEngine::Impl {
 public:
  Impl(std::shared_ptr<const Model> model, const FastEngineOptions& options)
      : model_(std::move(model)),
        options_(options),
        device_(model_->weights().embedding.weight.device()),
        operations_(ChooseOperations(ChoiceFor(*model_, options))),
        decoder_(PrepareDecoder(model_->spec(), model_->weights(), *operations_)),
        workspace_(Options()) {}

  const DecoderSpec& spec() const { return model_->spec(); }
  void ReleaseBuffers() { workspace_.Clear(); }
  std::int64_t held_bytes() const { return decoder_.packed_bytes + workspace_.bytes(); }

  absl::StatusOr<std::vector<double>> Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                 const CancelCheck& cancelled) {
    const GradMode no_graph(false);
    const TokenPlan plan = PlanTokens(batch, device_);
    const std::vector<TokenRope> ropes = Ropes(plan);
    LayerPass pass(spec(), decoder_, *operations_, workspace_, plan, ropes);
    const at::Tensor token_gates = TokenGates(gates, plan, spec(), Options());
    at::Tensor x = Embed(plan);
    LayerTape tape = TakeTape(spec(), workspace_, 0, plan.size());
    for (std::int64_t layer = 0; layer < spec().layers; ++layer) {
      if (cancelled && cancelled()) return Cancelled();
      x = pass.Forward(layer, x, token_gates.defined() ? token_gates.select(1, layer) : token_gates, tape);
    }
    return MeanLosses(plan, Head(plan, x, at::Tensor()));
  }

  absl::StatusOr<GateGradients> Gradients(const PackedBatch& batch, const CancelCheck& cancelled) {
    const GradMode no_graph(false);
    const TokenPlan plan = PlanTokens(batch, device_);
    const std::vector<TokenRope> ropes = Ropes(plan);
    LayerPass pass(spec(), decoder_, *operations_, workspace_, plan, ropes);
    const std::int64_t first_kept = FirstKeptLayer(spec(), plan.size(), operations_->type(), options_.activation_bytes);
    BoundTapes(plan.size(), spec().layers - first_kept + 1);
    std::vector<LayerTape> tapes(static_cast<std::size_t>(spec().layers));
    at::Tensor x = Embed(plan);
    for (std::int64_t layer = 0; layer < spec().layers; ++layer) {
      if (cancelled && cancelled()) return Cancelled();
      tapes[layer] = TakeTape(spec(), workspace_, layer < first_kept ? 0 : layer - first_kept + 1, plan.size());
      if (layer < first_kept) Stream(layer, plan).copy_(x);
      x = pass.Forward(layer, x, at::Tensor(), tapes[layer]);
    }
    GateGradients result;
    at::Tensor dx = workspace_.Take("d rows", static_cast<std::int64_t>(plan.rows.size()), spec().width);
    result.objective = MeanLosses(plan, Head(plan, x, dx));
    result.d.resize(static_cast<std::size_t>(spec().layers * spec().heads * batch.tokens()));
    const at::Tensor dots = workspace_.Take("dots", spec().heads, plan.size());
    for (std::int64_t layer = spec().layers - 1; layer >= 0; --layer) {
      if (cancelled && cancelled()) return Cancelled();
      if (layer < first_kept) pass.Forward(layer, Stream(layer, plan), at::Tensor(), tapes[layer]);
      dx = pass.Reverse(layer, dx, tapes[layer], dots);
      PackLayer(dots, batch, plan, layer, &result.d);
    }
    return result;
  }

 private:
  // Of activations.
  at::TensorOptions Options() const { return at::TensorOptions(operations_->type()).device(device_); }

  // Buffers keep the size of the largest batch, and small batches keep more tapes: together they could exceed the
  // budget.
  void BoundTapes(std::int64_t n, std::int64_t tapes) {
    most_rows_ = std::max(most_rows_, n);
    most_tapes_ = std::max(most_tapes_, tapes);
    if (most_tapes_ * TapeBytes(spec(), most_rows_, operations_->type()) > options_.activation_bytes) {
      workspace_.Clear();
      most_rows_ = n;
      most_tapes_ = tapes;
    }
  }

  // Where the stream before `layer` is kept until that layer is computed again [n, w].
  at::Tensor Stream(std::int64_t layer, const TokenPlan& plan) {
    return workspace_.Take(absl::StrCat("stream ", layer), plan.size(), spec().width);
  }

  // Tables stand one after the other; a token takes the rows of its sample's.
  std::vector<TokenRope> Ropes(const TokenPlan& plan) const {
    std::vector<TokenRope> ropes;
    const at::Tensor like = at::empty({0}, Options());
    for (const RopeSpec& rope : spec().ropes) {
      const BatchRope batch = MakeBatchRope(rope, plan.lengths, plan.longest, like);
      at::Tensor rows = plan.positions;
      if (batch.tables > 1) {
        const at::Tensor first_row = at::tensor(batch.table_of_sample, at::kLong) * plan.longest;
        rows = rows + at::repeat_interleave(first_row, at::tensor(plan.SampleRows(), at::kLong), 0).to(device_);
      }
      ropes.push_back({batch.table, rows});
    }
    return ropes;
  }

  // [n, w]
  at::Tensor Embed(const TokenPlan& plan) {
    const DecoderWeights& weights = model_->weights();
    const at::Tensor x = workspace_.Take("stream", plan.size(), spec().width);
    const at::Tensor embedded = weights.embedding.weight.index_select(0, plan.token_ids);
    if (spec().projected_width.has_value()) {
      decoder_.embedding_projection->Forward(embedded.to(x.scalar_type()), x, false);
    } else {
      x.copy_(embedded);
    }
    if (spec().embedding_scale != 1.0) {
      // The factor is rounded to the dtype of computation first: bfloat16 with such weights.
      const bool narrow = embedded.scalar_type() == at::kBFloat16;
      x.mul_(at::full({}, spec().embedding_scale, narrow ? embedded.options() : x.options()).to(x.scalar_type()));
    }
    if (spec().position == PositionKind::kLearned) {
      x.add_(weights.position_embedding.weight.index_select(0, plan.positions + spec().position_row_offset));
    }
    return x;
  }

  // Losses [r] of the stream after the last layer: x [r, w], or [n, w] where every row predicts. dx [r, w], where it is
  // defined, becomes the gradient of the sum of objectives with respect to it.
  std::vector<double> Head(const TokenPlan& plan, const at::Tensor& x, const at::Tensor& dx) {
    HeadLossInput input;
    input.weight = model_->weights().head.weight;
    input.bias = model_->weights().head.bias;
    input.soft_cap = spec().logit_soft_cap;
    input.targets = plan.targets;
    input.seeds = plan.seeds;
    if (!spec().final_norm) return ProjectedHead(input, x, dx);
    const at::Tensor normed = workspace_.Take("final normed", x.size(0), x.size(1));
    const at::Tensor scale = workspace_.Take("final scale", 1, x.size(0)).view({-1});
    const at::Tensor hidden = workspace_.Take("hidden", x.size(0), x.size(1));
    operations_->Norm(decoder_.norm, decoder_.final_norm, x, normed, scale, hidden);
    std::vector<double> losses = ProjectedHead(input, hidden, dx);
    if (dx.defined()) operations_->NormBackward(decoder_.norm, decoder_.final_norm, dx, normed, scale, dx, false);
    return losses;
  }

  // Losses of `input` with rows `hidden` [r, w], through the projection before the head where there is one, and their
  // gradient dx [r, w] where it is defined.
  std::vector<double> ProjectedHead(HeadLossInput& input, const at::Tensor& hidden, const at::Tensor& dx) {
    input.rows = hidden;
    if (!spec().projected_width.has_value()) return operations_->HeadLoss(input, dx);
    input.rows = workspace_.Take("head rows", hidden.size(0), *spec().projected_width);
    decoder_.head_projection->Forward(hidden, input.rows, false);
    if (!dx.defined()) return operations_->HeadLoss(input, dx);
    const at::Tensor drows = workspace_.Take("d head rows", hidden.size(0), *spec().projected_width);
    std::vector<double> losses = operations_->HeadLoss(input, drows);
    decoder_.head_projection->BackwardToData(drows, dx, false);
    return losses;
  }

  const std::shared_ptr<const Model> model_;
  const FastEngineOptions options_;
  const at::Device device_;
  const std::unique_ptr<Operations> operations_;
  const PreparedDecoder decoder_;
  Workspace workspace_;
  // Of the batches since the workspace was cleared.
  std::int64_t most_rows_ = 0;
  std::int64_t most_tapes_ = 0;
};

FastEngine::FastEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FastEngine::~FastEngine() = default;

std::int64_t FastEngine::held_bytes() const { return impl_->held_bytes(); }

void FastEngine::ReleaseBuffers() { impl_->ReleaseBuffers(); }

absl::StatusOr<std::unique_ptr<Engine>> FastEngine::Create(std::shared_ptr<const Model> model,
                                                           const FastEngineOptions& options) {
  if (model->options().dtype == DType::kFloat64) {
    return absl::FailedPreconditionError(
        "the fast engine takes float32 or bfloat16; float64 is for --engine reference");
  }
  return TorchGuard("preparing the fast engine", [&]() -> absl::StatusOr<std::unique_ptr<Engine>> {
    const GradMode no_graph(false);
    return std::unique_ptr<Engine>(new FastEngine(std::make_unique<Impl>(std::move(model), options)));
  });
}

absl::StatusOr<std::unique_ptr<Engine>> FastEngine::CreateWithDefaults(std::shared_ptr<const Model> model) {
  return Create(std::move(model), FastEngineOptions());
}

absl::StatusOr<std::vector<double>> FastEngine::Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                           const CancelCheck& cancelled) {
  absl::Status status = CheckBatch(batch, impl_->spec());
  if (status.ok()) status = CheckGates(gates, batch, impl_->spec());
  if (!status.ok()) return status;
  return TorchGuard("fast engine, forward", [&] { return impl_->Objectives(batch, gates, cancelled); });
}

absl::StatusOr<GateGradients> FastEngine::Gradients(const PackedBatch& batch, const CancelCheck& cancelled) {
  const absl::Status status = CheckBatch(batch, impl_->spec());
  if (!status.ok()) return status;
  return TorchGuard("fast engine, gradients", [&] { return impl_->Gradients(batch, cancelled); });
}

}  // namespace headscope::worker
