// A model in memory: spec and weights, ready for an engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// What weights are held and products computed in.
enum class DType { kFloat32, kFloat64, kBFloat16 };
// "float32", "float64", "bfloat16".
std::string DTypeName(DType dtype);
absl::StatusOr<DType> ParseDType(const std::string& name);

// What of a model directory can be said from its configuration files alone, without reading weights.
struct ModelDescription {
  DecoderSpec spec;
  // The weights' dtype as stored ("F32", "BF16", ...; "mixed" if several), from the safetensors headers.
  std::string stored_dtype;
  // Of the tensors that are read.
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;
  // What of the files is not used although one might think so, for people.
  std::vector<std::string> notes;
};

// Reads and checks config.json and the safetensors headers of `directory`; every tensor name is accounted for exactly
// once, with the expected shape. Files are opened beneath `root` (symbolic links are followed as long as they stay
// there, as in model caches); an empty root means the directory itself. Errors: NOT_FOUND (no such file),
// PERMISSION_DENIED (a file that leads out of the root), FAILED_PRECONDITION (an unsupported family, configuration or
// tensor, named), INVALID_ARGUMENT (malformed file; says where).
absl::StatusOr<ModelDescription> DescribeModel(const std::string& directory, const std::string& root = "");

struct LoadOptions {
  // Dtype of weights and compute. Stored F16 and BF16 are widened exactly.
  DType dtype = DType::kFloat32;
  // "cpu" or "cuda:N".
  std::string device = "cpu";
  // Files are opened beneath it, as for DescribeModel.
  std::string root;
};

struct DecoderWeights;  // worker/model/decoder_weights.h; holds tensors

// Immutable; shared by pinning (shared_ptr<const Model>). No weight requires a gradient.
class Model {
 public:
  // Errors as DescribeModel, and RESOURCE_EXHAUSTED when the device has no room.
  static absl::StatusOr<std::shared_ptr<const Model>> Load(const std::string& directory, const LoadOptions& options);
  // A model whose weights were made in memory: by a trainer, for a comparison. `weights` has the tensors that `spec`
  // needs, of dtype `options.dtype` on `options.device`.
  static std::shared_ptr<const Model> Assemble(DecoderSpec spec, const LoadOptions& options,
                                               std::unique_ptr<DecoderWeights> weights);
  ~Model();

  const DecoderSpec& spec() const { return description_.spec; }
  const ModelDescription& description() const { return description_; }
  const LoadOptions& options() const { return options_; }
  const DecoderWeights& weights() const { return *weights_; }
  // Bytes held on the device.
  std::int64_t resident_bytes() const { return resident_bytes_; }

 private:
  Model(ModelDescription description, LoadOptions options, std::unique_ptr<DecoderWeights> weights,
        std::int64_t resident_bytes);

  ModelDescription description_;
  LoadOptions options_;
  std::unique_ptr<DecoderWeights> weights_;
  std::int64_t resident_bytes_;
};

}  // namespace headscope::worker
