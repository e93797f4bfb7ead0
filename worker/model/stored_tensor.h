// From a tensor in a file to one in memory.
#pragma once

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "worker/model/weight_files.h"

namespace headscope::worker {

// The tensor at `location`, whose dtype is a float that accounting accepted, converted to `dtype` on `device`. One
// stored copy lives in host memory meanwhile. DATA_LOSS when the file has become shorter. Throws what ATen throws.
absl::StatusOr<at::Tensor> ReadStoredTensor(const TensorLocation& location, at::ScalarType dtype,
                                            const at::Device& device);

}  // namespace headscope::worker
