#include "worker/model/reference_engine.h"

#include <utility>

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/decoder.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/objective.h"
#include "worker/model/padded_batch.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_guard.h"

namespace headscope::worker {
namespace {

// The padded token ids as int64 [samples, length] on the model's device.
at::Tensor TokenTensor(const PaddedBatch& batch, const at::Device& device) {
  return at::tensor(batch.token_ids, at::kLong).view({batch.samples, batch.length}).to(device);
}

// [samples]
std::vector<std::int64_t> Lengths(const PackedBatch& batch) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) lengths.push_back(batch.Length(sample));
  return lengths;
}

// hidden [B, Q, D] -> [predictions, D], the states that predict supervised tokens.
at::Tensor PredictingRows(const PaddedBatch& batch, const at::Tensor& hidden) {
  std::vector<std::int64_t> rows;
  for (const Prediction& prediction : batch.predictions) rows.push_back(prediction.row);
  return hidden.flatten(0, 1).index_select(0, at::tensor(rows, at::kLong).to(hidden.device()));
}

// gates [samples, layers, heads] -> one [samples, heads] per layer.
std::vector<at::Tensor> GateTensors(const HeadGates& gates, const PaddedBatch& batch, const DecoderSpec& spec,
                                    const at::Tensor& like) {
  if (gates.empty()) return {};
  const at::Tensor all =
      at::tensor(gates, at::kFloat).view({batch.samples, spec.layers, spec.heads}).to(like.options());
  return all.unbind(1);
}

// Gates of one per layer, [B, H, Q], the leaves whose gradients are wanted.
std::vector<at::Tensor> GateLeaves(const PaddedBatch& batch, const DecoderSpec& spec, const at::Tensor& like) {
  std::vector<at::Tensor> leaves;
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    leaves.push_back(at::ones({batch.samples, spec.heads, batch.length}, like.options()).requires_grad_(true));
  }
  return leaves;
}

// Copies the gradients of one layer's gates [B, H, Q] to its place in D [layers, heads, tokens], padding left out.
void PackLayer(const at::Tensor& gradient, const PackedBatch& batch, std::int64_t layer, std::vector<float>* d) {
  const at::Tensor host = gradient.to(at::kFloat).cpu().contiguous();
  const std::int64_t heads = host.size(1), length = host.size(2);
  const float* from = host.data_ptr<float>();
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    for (std::int64_t head = 0; head < heads; ++head) {
      std::copy_n(from + (sample * heads + head) * length, batch.Length(sample),
                  d->begin() + (layer * heads + head) * batch.tokens() + batch.offsets[sample]);
    }
  }
}

absl::StatusOr<std::vector<double>> RunObjectives(const Model& model, const PackedBatch& batch, const HeadGates& gates,
                                                  const CancelCheck& cancelled) {
  const GradMode no_graph(false);
  const PaddedBatch padded = PadBatch(batch);
  const at::Tensor& like = model.weights().embedding.weight;
  ForwardInput input;
  input.token_ids = TokenTensor(padded, like.device());
  input.lengths = Lengths(batch);
  input.gates = GateTensors(gates, padded, model.spec(), like);
  input.cancelled = cancelled;
  const absl::StatusOr<at::Tensor> hidden = ForwardHidden(model.spec(), model.weights(), input);
  if (!hidden.ok()) return hidden.status();
  return ComputeObjective(model.spec(), model.weights(), padded, PredictingRows(padded, *hidden), false).objective;
}

absl::StatusOr<GateGradients> RunGradients(const Model& model, const PackedBatch& batch, const CancelCheck& cancelled) {
  const GradMode graph(true);
  const DecoderSpec& spec = model.spec();
  const PaddedBatch padded = PadBatch(batch);
  const at::Tensor& like = model.weights().embedding.weight;
  ForwardInput input;
  input.token_ids = TokenTensor(padded, like.device());
  input.lengths = Lengths(batch);
  input.gates = GateLeaves(padded, spec, like);
  input.cancelled = cancelled;
  const absl::StatusOr<at::Tensor> hidden = ForwardHidden(spec, model.weights(), input);
  if (!hidden.ok()) return hidden.status();
  const at::Tensor rows = PredictingRows(padded, *hidden);
  ObjectiveResult objective = ComputeObjective(spec, model.weights(), padded, rows.detach(), true);
  if (cancelled && cancelled()) return absl::CancelledError("cancelled between forward and backward");
  const std::vector<at::Tensor> gradients = Gradients({rows}, input.gates, {objective.gradient});
  GateGradients result;
  result.objective = std::move(objective.objective);
  result.d.resize(static_cast<std::size_t>(spec.layers * spec.heads * batch.tokens()));
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) PackLayer(gradients[layer], batch, layer, &result.d);
  return result;
}

}  // namespace

ReferenceEngine::ReferenceEngine(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

absl::StatusOr<std::unique_ptr<Engine>> ReferenceEngine::Create(std::shared_ptr<const Model> model) {
  if (model->options().dtype == DType::kBFloat16) {
    return absl::FailedPreconditionError(
        "the reference engine takes float32 or float64, the model is loaded in bfloat16");
  }
  return std::unique_ptr<Engine>(new ReferenceEngine(std::move(model)));
}

absl::StatusOr<std::vector<double>> ReferenceEngine::Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                                const CancelCheck& cancelled) {
  absl::Status status = CheckBatch(batch, model_->spec());
  if (status.ok()) status = CheckGates(gates, batch, model_->spec());
  if (!status.ok()) return status;
  return TorchGuard("reference engine, forward", [&] { return RunObjectives(*model_, batch, gates, cancelled); });
}

absl::StatusOr<GateGradients> ReferenceEngine::Gradients(const PackedBatch& batch, const CancelCheck& cancelled) {
  const absl::Status status = CheckBatch(batch, model_->spec());
  if (!status.ok()) return status;
  return TorchGuard("reference engine, gradients", [&] { return RunGradients(*model_, batch, cancelled); });
}

}  // namespace headscope::worker
