#include "worker/tensor/torch_activation.h"

#include <cmath>

#include <ATen/ATen.h>

namespace headscope::worker {
namespace {

ActivationValues Relu(const at::Tensor& x) { return {at::relu(x), x.gt(0).to(x.scalar_type())}; }

// f = x F(x) with the normal distribution's F: f' = F(x) + x F'(x). F by erfc, which keeps its digits where F is small.
ActivationValues Gelu(const at::Tensor& x) {
  const at::Tensor distribution = (x * -M_SQRT1_2).erfc_().mul_(0.5);
  const at::Tensor density = x.square().mul_(-0.5).exp_().mul_(0.5 * M_2_SQRTPI * M_SQRT1_2);
  return {x * distribution, density.mul_(x).add_(distribution)};
}

// f = x s with s = sigmoid(u(x)): f' = s + x s (1 - s) u'(x). `slope` is u'(x), or undefined where it is 1.
ActivationValues SelfGated(const at::Tensor& x, const at::Tensor& u, const at::Tensor& slope) {
  const at::Tensor gate = u.sigmoid();
  const at::Tensor value = x * gate;
  at::Tensor bend = value * (1.0 - gate);
  if (slope.defined()) bend.mul_(slope);
  return {value, bend.add_(gate)};
}

// x (1 + tanh(a (x + b x^3))) / 2 is x sigmoid(2 a (x + b x^3)).
ActivationValues GeluTanh(const at::Tensor& x) {
  constexpr double kTwiceA = 2.0 * M_SQRT2 * 0.5 * M_2_SQRTPI;
  constexpr double kB = 0.044715;
  const at::Tensor square = x.square();
  return SelfGated(x, (square * (kTwiceA * kB)).add_(kTwiceA).mul_(x), (square * (3 * kTwiceA * kB)).add_(kTwiceA));
}

}  // namespace

ActivationValues EvaluateActivation(ActivationKind kind, const at::Tensor& x) {
  switch (kind) {
    case ActivationKind::kRelu:
      return Relu(x);
    case ActivationKind::kGelu:
      return Gelu(x);
    case ActivationKind::kGeluTanh:
      return GeluTanh(x);
    case ActivationKind::kSilu:
      return SelfGated(x, x, at::Tensor());
  }
  TORCH_CHECK(false, "unknown activation kind ", static_cast<int>(kind));
}

}  // namespace headscope::worker
