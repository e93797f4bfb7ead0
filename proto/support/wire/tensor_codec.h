// headscope.v1.Tensor to and from plain arrays.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "headscope/v1/tensor.pb.h"

namespace headscope {

// `values` row-major with the extents `shape`, whose product is the number of values.
v1::Tensor EncodeTensor(absl::Span<const float> values, const std::vector<std::uint32_t>& shape);
v1::Tensor EncodeTensor(absl::Span<const double> values, const std::vector<std::uint32_t>& shape);

// INVALID_ARGUMENT when dtype or the number of bytes does not fit; checked multiplication.
absl::StatusOr<std::vector<float>> DecodeFloat32(const v1::Tensor& tensor);
absl::StatusOr<std::vector<double>> DecodeFloat64(const v1::Tensor& tensor);

}  // namespace headscope
