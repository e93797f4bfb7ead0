// Layer norm and RMS norm in the activations' type with their reverse, by LibTorch. Arguments as of Operations::Norm.
#pragma once

#include <ATen/core/Tensor.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// Buffers of one norm: all [n, w] but scale [n].
struct NormBuffers {
  at::Tensor x;
  at::Tensor normed;
  at::Tensor scale;
  at::Tensor out;
};
void TorchNorm(const NormOptions& options, const NormWeights& weights, const NormBuffers& buffers);

// dx = scale * (g - mean(g) - normed * mean(g * normed)) with g = dout * gain; an RMS norm has no mean(g).
struct NormReverse {
  at::Tensor dout;
  at::Tensor normed;
  at::Tensor scale;
  at::Tensor dx;
  bool add = false;
};
void TorchNormBackward(const NormOptions& options, const NormWeights& weights, const NormReverse& reverse);

}  // namespace headscope::worker
