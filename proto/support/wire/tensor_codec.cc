#include "proto/support/wire/tensor_codec.h"

#include <bit>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are little-endian on the wire");

template <typename T>
v1::Tensor Encode(v1::DType dtype, absl::Span<const T> values, const std::vector<std::uint32_t>& shape) {
  v1::Tensor tensor;
  tensor.set_dtype(dtype);
  for (const std::uint32_t extent : shape) tensor.add_shape(extent);
  tensor.set_data(values.data(), values.size() * sizeof(T));
  return tensor;
}

template <typename T>
absl::StatusOr<std::vector<T>> Decode(v1::DType dtype, const v1::Tensor& tensor) {
  if (tensor.dtype() != dtype) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor: wanted dtype ", v1::DType_Name(dtype), ", found ", static_cast<int>(tensor.dtype())));
  }
  std::uint64_t bytes = sizeof(T);
  for (const std::uint32_t extent : tensor.shape()) {
    if (__builtin_mul_overflow(bytes, std::uint64_t{extent}, &bytes)) {
      return absl::InvalidArgumentError("tensor: the product of its extents overflows");
    }
  }
  if (tensor.data().size() != bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor: its shape needs ", bytes, " bytes, found ", tensor.data().size()));
  }
  std::vector<T> values(bytes / sizeof(T));
  if (bytes > 0) std::memcpy(values.data(), tensor.data().data(), bytes);
  return values;
}

}  // namespace

v1::Tensor EncodeTensor(absl::Span<const float> values, const std::vector<std::uint32_t>& shape) {
  return Encode(v1::DTYPE_FLOAT32, values, shape);
}

v1::Tensor EncodeTensor(absl::Span<const double> values, const std::vector<std::uint32_t>& shape) {
  return Encode(v1::DTYPE_FLOAT64, values, shape);
}

absl::StatusOr<std::vector<float>> DecodeFloat32(const v1::Tensor& tensor) {
  return Decode<float>(v1::DTYPE_FLOAT32, tensor);
}

absl::StatusOr<std::vector<double>> DecodeFloat64(const v1::Tensor& tensor) {
  return Decode<double>(v1::DTYPE_FLOAT64, tensor);
}

}  // namespace headscope
