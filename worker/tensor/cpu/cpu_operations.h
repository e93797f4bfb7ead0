// The table of operations on the CPU: vector kernels of our own around oneDNN's matrix products.
#pragma once

#include <cstdint>
#include <memory>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// Where oneDNN's products like weights in a layout of their own (processors with AVX-512), packed copies are made as
// long as they take no more than `pack_bytes` together. None by default: what they cost is known, what they bring is
// not.
inline constexpr std::int64_t kDefaultPackBytes = 0;
std::unique_ptr<Operations> MakeCpuOperations(std::int64_t pack_bytes = kDefaultPackBytes);

}  // namespace headscope::worker
