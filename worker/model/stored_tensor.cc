#include "worker/model/stored_tensor.h"

#include <ATen/ATen.h>

namespace headscope::worker {
namespace {

// The scalar type of a stored float; the allow-list of tensor_accounting.cc admits no other.
at::ScalarType StoredScalarType(const std::string& dtype) {
  if (dtype == "F64") return at::kDouble;
  if (dtype == "F16") return at::kHalf;
  if (dtype == "BF16") return at::kBFloat16;
  return at::kFloat;
}

}  // namespace

absl::StatusOr<at::Tensor> ReadStoredTensor(const TensorLocation& location, at::ScalarType dtype,
                                            const at::Device& device) {
  at::Tensor stored = at::empty(location.tensor->shape, StoredScalarType(location.tensor->dtype));
  const absl::Status status = location.file->Read(*location.tensor, stored.data_ptr());
  if (!status.ok()) return status;
  return stored.to(device, dtype);
}

}  // namespace headscope::worker
