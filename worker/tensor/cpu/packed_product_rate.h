// What this processor's matrix products reach, whatever the engine makes of it.
#pragma once

#include <optional>

#include "worker/tensor/product_shape.h"

namespace headscope::worker {

// Seconds that oneDNN takes for one product with B in the layout that it chooses itself, on all of the calling thread's
// threads: the least of `repeats`. `bfloat16`: factors, with float32 sums; else float32. Nullopt where the processor
// has no bfloat16 products.
std::optional<double> PackedProductSeconds(const ProductShape& shape, bool bfloat16, int repeats);

}  // namespace headscope::worker
