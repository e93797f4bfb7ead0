// A linear with an adapter's low-rank term beside its weight.
#pragma once

#include <memory>

#include "worker/model/decoder_weights.h"
#include "worker/tensor/operations.h"

namespace headscope::worker {

// y = linear(x) + scale * (x down^T) up^T, and in reverse dx = linear^T(dy) + scale * (dy up) down, all products of
// `operations`. The term's tensors are kept alive. Throws what ATen throws.
std::unique_ptr<LinearOperation> WithLowRank(std::unique_ptr<LinearOperation> linear, const LowRankTerm& term,
                                             Operations& operations);

}  // namespace headscope::worker
