// The optimiser: Adam (arXiv 1412.6980) with decoupled weight decay (arXiv 1711.05101) and clipped gradients.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace headscope::worker {

struct AdamOptions {
  double first_decay = 0.9;
  double second_decay = 0.98;
  double epsilon = 1e-8;
  // Per step and unit of learning rate, on matrices only.
  double weight_decay = 0.01;
  // Gradients are scaled down together until their joint L2 norm is at most this.
  double largest_norm = 1.0;
};

// Holds the parameters and two moments of each. Thread-compatible. Throws what ATen throws.
class Adam {
 public:
  Adam(std::vector<at::Tensor> parameters, AdamOptions options);

  // Updates the parameters in place; `gradients` are in their order and shapes, and are overwritten.
  void Step(std::vector<at::Tensor>& gradients, double learning_rate);

 private:
  AdamOptions options_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> first_moments_;
  std::vector<at::Tensor> second_moments_;
  std::int64_t steps_ = 0;
};

}  // namespace headscope::worker
