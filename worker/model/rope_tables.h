// Cosines and sines for a batch whose samples may use a rope's frequencies of different lengths.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/model/decoder_spec.h"
#include "worker/tensor/kernels.h"

namespace headscope::worker {

// One rope's tables, one for each set of frequencies that a sample of the batch uses.
struct BatchRope {
  // [tables * positions, dimensions / 2], table after table.
  RopeTable table;
  // [samples] which table each uses.
  std::vector<std::int64_t> table_of_sample;
  std::int64_t tables = 1;
};

// For positions 0 .. positions - 1 of samples with these lengths in tokens, each of which alone decides on its table.
// Dtype and device of `like`. Throws what ATen throws.
BatchRope MakeBatchRope(const RopeSpec& rope, const std::vector<std::int64_t>& lengths, std::int64_t positions,
                        const at::Tensor& like);

}  // namespace headscope::worker
