// The table of operations made of LibTorch's own, for any device and LibTorch 1.13 to 2.x. Simple before fast: it is
// what other tables are compared with, and what runs where they do not.
#pragma once

#include <memory>

#include <c10/core/Device.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// Tensors handed to the table are on `device`, activations float32 or float64, which is `type`.
std::unique_ptr<Operations> MakeTorchOperations(const at::Device& device, at::ScalarType type);

}  // namespace headscope::worker
