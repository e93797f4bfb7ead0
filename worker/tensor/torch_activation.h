// Activation functions with their derivatives, by LibTorch.
#pragma once

#include <ATen/core/Tensor.h>

#include "worker/tensor/layer_kinds.h"

namespace headscope::worker {

// f(x) and f'(x), both new and of x's shape.
struct ActivationValues {
  at::Tensor value;
  at::Tensor derivative;
};
ActivationValues EvaluateActivation(ActivationKind kind, const at::Tensor& x);

}  // namespace headscope::worker
