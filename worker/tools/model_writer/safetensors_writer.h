// Writes safetensors files tensor after tensor, so that a model needs memory for its largest tensor only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::worker {

// How values are stored: F32, or BF16 rounded to the nearest, ties to even.
enum class StoredType { kFloat32, kBFloat16 };
// "float32" or "bfloat16" -> type. INVALID_ARGUMENT names both.
absl::StatusOr<StoredType> ParseStoredType(const std::string& name);
// "float32", "bfloat16": as config.json names it.
std::string StoredTypeName(StoredType type);

// One tensor to write.
struct OutputTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  // Fills all elements, row-major. Called once, in the order of the tensors.
  std::function<void(std::span<float> values)> fill;
};

// Writes `tensors` to `path`, through a file beside it that is renamed once it is complete. Names must differ.
// Errors: INVALID_ARGUMENT (a name twice), UNAVAILABLE (the file cannot be written; says why).
absl::Status WriteSafetensors(const std::string& path, StoredType type, const std::vector<OutputTensor>& tensors);

// Writes `text` to `path` in the same way.
absl::Status WriteTextFile(const std::string& path, const std::string& text);

}  // namespace headscope::worker
