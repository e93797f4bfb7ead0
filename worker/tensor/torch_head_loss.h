// The loss of the vocabulary head and its gradient, by LibTorch, a few rows at a time.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// As Operations::HeadLoss.
std::vector<double> TorchHeadLoss(const HeadLossInput& input, const at::Tensor& gradient);

}  // namespace headscope::worker
