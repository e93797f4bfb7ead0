#include "worker/tensor/torch_head_loss.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include "worker/tensor/torch_linear.h"

// Letters: c rows of a chunk, V vocabulary, w width.
namespace headscope::worker {
namespace {

// Logits held at a time: 32 MiB in float32.
constexpr std::int64_t kLogits = std::int64_t{8} << 20;
// Above it log(1 + exp(x)) is x in float64.
constexpr int kSoftplusThreshold = 50;

void CheckInput(const HeadLossInput& input) {
  const std::int64_t rows = input.rows.size(0), vocabulary = input.weight.size(0);
  TORCH_CHECK(static_cast<std::int64_t>(input.targets.size()) == rows, rows, " rows have ", input.targets.size(),
              " targets");
  TORCH_CHECK(static_cast<std::int64_t>(input.seeds.size()) == rows, rows, " rows have ", input.seeds.size(), " seeds");
  for (const std::int64_t target : input.targets) {
    TORCH_CHECK(target >= 0 && target < vocabulary, "target ", target, " is outside a vocabulary of ", vocabulary);
  }
}

// Rows of one chunk, their targets [c, 1] and seeds [c, 1].
struct Chunk {
  at::Tensor rows;
  at::Tensor targets;
  at::Tensor seeds;
};

// The other words' softmax with what belongs to the loss. The target is left out: one minus a probability near one has
// few digits left, the sum of the others has all of them.
struct Softmax {
  // [c, V] of the vocabulary without the target, 0 there.
  at::Tensor probabilities;
  // [c, 1] 1 - p(target): the others' share.
  at::Tensor others;
  // The soft cap's derivative [c, V], undefined without a cap.
  at::Tensor slope;
  // [c], float64.
  at::Tensor losses;
};

Softmax TakeSoftmax(const HeadLossInput& input, const Chunk& chunk, TorchLinear* head) {
  Softmax softmax;
  at::Tensor logits = at::empty({chunk.rows.size(0), input.weight.size(0)}, chunk.rows.options());
  head->Forward(chunk.rows, logits, /*add=*/false);
  if (input.soft_cap.has_value()) {
    logits.div_(*input.soft_cap).tanh_();
    softmax.slope = logits.square().neg_().add_(1.0);
    logits.mul_(*input.soft_cap);
  }
  const at::Tensor target = logits.gather(1, chunk.targets).to(at::kDouble);  // [c, 1]
  logits.scatter_(1, chunk.targets, std::numeric_limits<float>::lowest());
  const at::Tensor largest = logits.amax(-1, /*keepdim=*/true);
  softmax.probabilities = logits.sub_(largest).exp_();
  const at::Tensor sum = softmax.probabilities.sum(-1, /*keepdim=*/true);  // [c, 1]
  softmax.probabilities.div_(sum);
  const at::Tensor excess = sum.to(at::kDouble).log() + largest.to(at::kDouble) - target;  // log of the odds
  softmax.others = excess.sigmoid().to(logits.scalar_type());
  softmax.losses = at::softplus(excess, 1, kSoftplusThreshold).squeeze(-1);
  return softmax;
}

// gradient [c, w] = seeds * others * (sum over the other words of probability * slope * W - slope * W[target]). The
// target's term is a product of its own, of the rows' type.
void TakeGradient(const HeadLossInput& input, const Chunk& chunk, Softmax softmax, TorchLinear* head,
                  at::Tensor gradient) {
  at::Tensor target_factor = -at::ones_like(softmax.others);  // [c, 1]
  if (softmax.slope.defined()) {
    softmax.probabilities.mul_(softmax.slope);
    target_factor.mul_(softmax.slope.gather(1, chunk.targets));
  }
  const at::Tensor target_words =
      input.weight.index_select(0, chunk.targets.squeeze(-1)).to(gradient.scalar_type());  // [c, w]
  head->BackwardToData(softmax.probabilities, gradient, /*add=*/false);
  gradient.addcmul_(target_words, target_factor).mul_(softmax.others * chunk.seeds);
}

}  // namespace

std::vector<double> TorchHeadLoss(const HeadLossInput& input, const at::Tensor& gradient) {
  CheckInput(input);
  const at::Device device = input.rows.device();
  const std::int64_t total = input.rows.size(0), vocabulary = input.weight.size(0);
  const at::Tensor targets = at::tensor(input.targets, at::kLong).to(device).unsqueeze(-1);
  const at::Tensor seeds = at::tensor(input.seeds, at::kDouble).to(input.rows.options()).unsqueeze(-1);
  at::Tensor losses = at::empty({total}, at::TensorOptions(at::kDouble).device(device));
  TorchLinear head(input.weight, input.bias);
  // A soft cap's derivative takes as much again.
  const std::int64_t step = std::max<std::int64_t>(1, kLogits / (vocabulary * (input.soft_cap.has_value() ? 2 : 1)));
  for (std::int64_t first = 0; first < total; first += step) {
    const std::int64_t count = std::min(step, total - first);
    const Chunk chunk = {input.rows.narrow(0, first, count), targets.narrow(0, first, count),
                         seeds.narrow(0, first, count)};
    const Softmax softmax = TakeSoftmax(input, chunk, &head);
    losses.narrow(0, first, count).copy_(softmax.losses);
    if (gradient.defined()) TakeGradient(input, chunk, softmax, &head, gradient.narrow(0, first, count));
  }
  const at::Tensor on_cpu = losses.cpu();
  return std::vector<double>(on_cpu.data_ptr<double>(), on_cpu.data_ptr<double>() + total);
}

std::int64_t TorchHeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary, at::ScalarType type) {
  const std::int64_t chunk = std::min(rows, std::max<std::int64_t>(1, kLogits / vocabulary));
  return static_cast<std::int64_t>(c10::elementSize(type)) * chunk * (vocabulary + 2 * width);
}

}  // namespace headscope::worker
