// All weight files of a model directory as one set of named tensors.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/model_directory.h"
#include "worker/model/safetensors_file.h"

namespace headscope::worker {

// Files that an index may name: each is held open, and models of hundreds of gigabytes have a few hundred.
inline constexpr std::size_t kMaxShardFiles = 1024;

// A tensor and the file that holds it.
struct TensorLocation {
  const SafetensorsFile* file = nullptr;
  const StoredTensor* tensor = nullptr;
};

// `model.safetensors`, or else the files of `model.safetensors.index.json`, with every tensor of the index in exactly
// the file it names and no other tensor anywhere. Immutable: thread-safe. Move-only.
class WeightFiles {
 public:
  // Errors: NOT_FOUND (no weights), FAILED_PRECONDITION (weights in another format only, with advice),
  // INVALID_ARGUMENT (malformed).
  static absl::StatusOr<WeightFiles> Open(const ModelDirectory& directory);

  // By name. Valid as long as this object, moved or not.
  const std::map<std::string, TensorLocation>& tensors() const { return tensors_; }
  // OK while no file has changed its length since it was opened; DATA_LOSS otherwise.
  absl::Status CheckSizes() const;

 private:
  WeightFiles() = default;
  static absl::StatusOr<WeightFiles> OpenSharded(const ModelDirectory& directory);

  std::vector<std::unique_ptr<const SafetensorsFile>> files_;
  std::map<std::string, TensorLocation> tensors_;
};

}  // namespace headscope::worker
