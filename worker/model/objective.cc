#include "worker/model/objective.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include "worker/model/decoder.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

// Logits held at a time: 32 MiB in float32, a few times that with the softmax and its gradient.
// Above it log(1 + exp(x)) is x in float64.
constexpr int kSoftplusThreshold = 50;

constexpr std::int64_t kChunkLogits = std::int64_t{1} << 23;

// [samples] supervised tokens of each sample.
std::vector<double> SupervisedTokens(const PaddedBatch& batch) {
  std::vector<double> counts(static_cast<std::size_t>(batch.samples), 0.0);
  for (const Prediction& prediction : batch.predictions) counts[prediction.sample] += 1.0;
  return counts;
}

// Negative log-likelihoods [n] of targets int64 [n] under the model's logits at rows [n, width].
at::Tensor NegativeLogLikelihoods(const DecoderSpec& spec, const DecoderWeights& weights, const at::Tensor& rows,
                                  const at::Tensor& targets) {
  const at::Tensor logits = HeadLogits(spec, weights, rows);  // [n, vocabulary]
  const at::Tensor wide = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  // log(1 + exp(others - target)), others the logarithm of the sum of the other words' exponentials: of one minus a
  // probability near one, log_softmax would keep few digits.
  const at::Tensor index = targets.unsqueeze(-1);
  const at::Tensor target = wide.gather(-1, index).squeeze(-1);
  const at::Tensor others = wide.scatter(-1, index, std::numeric_limits<float>::lowest()).logsumexp(-1);
  return at::softplus(others - target, 1, kSoftplusThreshold);
}

}  // namespace

ObjectiveResult ComputeObjective(const DecoderSpec& spec, const DecoderWeights& weights, const PaddedBatch& batch,
                                 const at::Tensor& rows, bool with_gradient) {
  const std::vector<double> counts = SupervisedTokens(batch);
  const auto total = static_cast<std::int64_t>(batch.predictions.size());
  std::vector<std::int64_t> targets;
  std::vector<double> weight;  // of each prediction in the sum of objectives
  for (const Prediction& prediction : batch.predictions) {
    targets.push_back(prediction.target);
    weight.push_back(1.0 / counts[prediction.sample]);
  }
  const at::Tensor all_targets = at::tensor(targets, at::kLong).to(rows.device());
  const at::Tensor all_weights = at::tensor(weight, at::kDouble).to(rows.device());

  ObjectiveResult result;
  result.objective.assign(counts.size(), 0.0);
  if (with_gradient) result.gradient = at::empty_like(rows);
  const std::int64_t chunk = std::max<std::int64_t>(1, kChunkLogits / spec.vocabulary);
  for (std::int64_t begin = 0; begin < total; begin += chunk) {
    const std::int64_t size = std::min(chunk, total - begin);
    const GradMode graph(with_gradient);
    const at::Tensor part = rows.narrow(0, begin, size).detach().requires_grad_(with_gradient);
    const at::Tensor nll = NegativeLogLikelihoods(spec, weights, part, all_targets.narrow(0, begin, size));  // [size]
    if (with_gradient) {
      const at::Tensor seed = all_weights.narrow(0, begin, size).to(nll.scalar_type());
      const at::Tensor gradient = Gradients({nll}, {part}, {seed})[0];
      const GradMode no_graph(false);
      result.gradient.narrow(0, begin, size).copy_(gradient);
    }
    const at::Tensor values = nll.detach().to(at::kDouble).cpu();
    const double* value = values.data_ptr<double>();
    for (std::int64_t i = 0; i < size; ++i) {
      result.objective[batch.predictions[begin + i].sample] += value[i] * weight[begin + i];
    }
  }
  return result;
}

}  // namespace headscope::worker
