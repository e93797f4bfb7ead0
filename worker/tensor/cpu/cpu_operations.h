// The table of operations on the CPU: vector kernels of our own around oneDNN's matrix products.
#pragma once

#include <cstdint>
#include <memory>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// Where oneDNN's products like weights in a layout of their own (processors with AVX-512), packed copies are made as
// long as they take no more than `pack_bytes` together: a layer's weights once for each direction, in the order of the
// layers, so that what is packed depends on the model alone. On a Zen 4 a product is 3 to 10 % faster with them.
inline constexpr std::int64_t kDefaultPackBytes = std::int64_t{2} << 30;
std::unique_ptr<Operations> MakeCpuOperations(std::int64_t pack_bytes = kDefaultPackBytes);

// The same in float64 by our own products, which are about half as fast: for models so small that it does not matter.
// With `pack` factors are held in the layout of the products, 16 bytes a weight; without they are made for each.
std::unique_ptr<Operations> MakeCpuFloat64Operations(bool pack);

}  // namespace headscope::worker
