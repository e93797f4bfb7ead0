// Which table of operations serves a device.
#pragma once

#include <memory>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// On the CPU the vector kernels with oneDNN where this build has them, otherwise LibTorch's own operations; these too
// with `torch_only`. Without `pack` weights are read where they lie, so that models that share them take them once.
std::unique_ptr<Operations> ChooseOperations(const at::Device& device, bool torch_only, bool pack);

}  // namespace headscope::worker
