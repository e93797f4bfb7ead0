// The tensors of a safetensors file in memory. Nothing of what the file says is trusted.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace headscope::client {

// DATA_LOSS: a result file that does not hold together.
absl::Status BrokenFile(const std::string& why);

struct TensorView {
  // F64, F32, I64, I32, U32 or U8.
  std::string dtype;
  std::vector<std::uint64_t> shape;
  // As many as dtype and shape say; they live as long as the file.
  std::string_view bytes;
};
using TensorViews = std::map<std::string, TensorView>;

// DATA_LOSS for anything that does not hold together.
absl::StatusOr<TensorViews> ReadTensors(std::string_view file);

// A tensor of that name and dtype. DATA_LOSS where there is none.
absl::StatusOr<TensorView> FindTensor(const TensorViews& tensors, const std::string& name, const std::string& dtype);

// Its values; T is what `dtype` says.
template <typename T>
absl::StatusOr<std::vector<T>> Values(const TensorViews& tensors, const std::string& name, const std::string& dtype) {
  const absl::StatusOr<TensorView> found = FindTensor(tensors, name, dtype);
  if (!found.ok()) return found.status();
  std::vector<T> values(found->bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), found->bytes.data(), found->bytes.size());
  return values;
}

}  // namespace headscope::client
