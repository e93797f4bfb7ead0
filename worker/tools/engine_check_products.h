// The rate of a model's matrix products by themselves: what an engine can be compared with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/decoder_spec.h"
#include "worker/tensor/product_shape.h"

namespace headscope::worker {

// One product and how often a pass over the model makes it.
struct CountedProduct {
  ProductShape shape;
  std::int64_t count = 0;
};

// The products of one forward and one backward pass to activations over `rows` tokens, every one of them supervised:
// each linear and the vocabulary head, with the matrix and with its transpose.
std::vector<CountedProduct> ProductsOf(const DecoderSpec& spec, std::int64_t rows);

// FLOP/s in units of 1e9 of those products, each at the best time of several repeats.
struct ProductRates {
  // oneDNN with the matrix in the layout that it likes best; 0 where there is none of it, or no bfloat16 product.
  double onednn = 0;
  // LibTorch on the device.
  double torch = 0;
  // With the better one for each product.
  double best = 0;
};

// Errors: those of a device that is not there or has no memory left.
absl::StatusOr<ProductRates> MeasureProductRates(const DecoderSpec& spec, std::int64_t rows, bool bfloat16,
                                                 const std::string& device, int repeats);

}  // namespace headscope::worker
