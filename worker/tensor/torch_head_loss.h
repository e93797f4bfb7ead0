// The loss of the vocabulary head and its gradient, by LibTorch, a few rows at a time.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// As Operations::HeadLoss.
std::vector<double> TorchHeadLoss(const HeadLossInput& input, const at::Tensor& gradient);

// Bytes that it takes for its own time: a few arrays of a chunk's logits and rows.
std::int64_t TorchHeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary, at::ScalarType type);

}  // namespace headscope::worker
