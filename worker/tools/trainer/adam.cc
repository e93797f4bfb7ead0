#include "worker/tools/trainer/adam.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include <ATen/ATen.h>

#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

void ClipTogether(std::vector<at::Tensor>& gradients, double largest_norm) {
  double squared = 0.0;
  for (const at::Tensor& gradient : gradients) squared += gradient.square().sum().item<double>();
  const double norm = std::sqrt(squared);
  if (norm <= largest_norm) return;
  for (at::Tensor& gradient : gradients) gradient.mul_(largest_norm / norm);
}

}  // namespace

Adam::Adam(std::vector<at::Tensor> parameters, AdamOptions options)
    : options_(options), parameters_(std::move(parameters)) {
  const GradMode no_graph(false);
  for (const at::Tensor& parameter : parameters_) {
    first_moments_.push_back(at::zeros_like(parameter));
    second_moments_.push_back(at::zeros_like(parameter));
  }
}

void Adam::Step(std::vector<at::Tensor>& gradients, double learning_rate) {
  const GradMode no_graph(false);
  ++steps_;
  ClipTogether(gradients, options_.largest_norm);
  const double first_bias = 1.0 - std::pow(options_.first_decay, static_cast<double>(steps_));
  const double second_bias = 1.0 - std::pow(options_.second_decay, static_cast<double>(steps_));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    first_moments_[i].mul_(options_.first_decay).add_(gradients[i], 1.0 - options_.first_decay);
    second_moments_[i].mul_(options_.second_decay).addcmul_(gradients[i], gradients[i], 1.0 - options_.second_decay);
    if (parameters_[i].dim() > 1) parameters_[i].mul_(1.0 - learning_rate * options_.weight_decay);
    const at::Tensor scale = (second_moments_[i] / second_bias).sqrt_().add_(options_.epsilon);
    parameters_[i].addcdiv_(first_moments_[i], scale, -learning_rate / first_bias);
  }
}

}  // namespace headscope::worker
