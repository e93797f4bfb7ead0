// One linear layer on the CPU: both of its products.
#pragma once

#include <cstdint>
#include <memory>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// weight [out, in], float32 or bfloat16; bias [out] or undefined. Copies that make products faster may take
// `pack_bytes`, which is lessened by what is taken.
std::unique_ptr<LinearOperation> PrepareLinearProduct(const at::Tensor& weight, const at::Tensor& bias,
                                                      std::int64_t& pack_bytes);

}  // namespace headscope::worker
