// A model in memory: spec and weights, ready for an engine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

// Tensors of one stored dtype.
struct StoredPart {
  // "F32", "BF16", ...
  std::string dtype;
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
};
// Adds `part` to the one of its dtype.
void AddStored(const StoredPart& part, std::vector<StoredPart>& parts);

// What an adapter adds to its base.
struct AdapterDescription {
  // How messages name the base.
  std::string base;
  std::int64_t rank = 0;
  double alpha = 0.0;
  // Scaled by alpha / sqrt(rank) instead of alpha / rank.
  bool rank_stabilised = false;
  // Last steps of the paths of the modules with a low-rank term ("q_proj"), and tensors of the base that it replaces.
  std::vector<std::string> targets;
  std::vector<std::string> replaced;
  // Its own tensors alone.
  std::vector<StoredPart> stored;

  std::int64_t parameters() const;
  std::int64_t bytes() const;
};

// What of a model directory can be said from its configuration files alone, without reading weights.
struct ModelDescription {
  // How messages name the model: its path beneath the root.
  std::string name;
  DecoderSpec spec;
  // The weights' dtype as stored ("F32", "BF16", ...; "mixed" if several), from the safetensors headers.
  std::string stored_dtype;
  // Of the tensors that are read.
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;
  // Of the tensors that are read, by dtype.
  std::vector<StoredPart> stored;
  // Of an adapter; the other members are then the base's, its numbers of parameters and bytes with the adapter's.
  std::optional<AdapterDescription> adapter;
  // What of the files is not used although one might think so, for people.
  std::vector<std::string> notes;
};

// Reads and checks config.json and the safetensors headers of `directory`; every tensor name is accounted for exactly
// once, with the expected shape. Files are opened beneath `root` (symbolic links are followed as long as they stay
// there, as in model caches); an empty root means the directory itself. Errors: NOT_FOUND (no such file),
// PERMISSION_DENIED (a file that leads out of the root), FAILED_PRECONDITION (an unsupported family, configuration or
// tensor, named), INVALID_ARGUMENT (malformed file; says where).
absl::StatusOr<ModelDescription> DescribeModel(const std::string& directory, const std::string& root = "");

// Whether `directory` holds an adapter instead of a model. Errors: those of opening it.
absl::StatusOr<bool> IsAdapter(const std::string& directory, const std::string& root = "");
// As DescribeModel, of an adapter for the model in `base_directory`. Errors name adapter and base;
// FAILED_PRECONDITION when the base is an adapter itself.
absl::StatusOr<ModelDescription> DescribeAdapter(const std::string& directory, const std::string& base_directory,
                                                 const std::string& root = "");

struct LoadOptions {
  // Dtype of weights and compute. Stored F16 and BF16 are widened exactly.
  DType dtype = DType::kFloat32;
  // "cpu" or "cuda:N".
  std::string device = "cpu";
  // Files are opened beneath it, as for DescribeModel.
  std::string root;
};

struct Architecture;    // worker/model/architecture.h
struct DecoderWeights;  // worker/model/decoder_weights.h; holds tensors

// Immutable; shared by pinning (shared_ptr<const Model>). No weight requires a gradient.
class Model {
 public:
  // Errors as DescribeModel, and RESOURCE_EXHAUSTED when the device has no room.
  static absl::StatusOr<std::shared_ptr<const Model>> Load(const std::string& directory, const LoadOptions& options);
  // An adapter for `base`, which it keeps alive and whose tensors it shares; dtype, device and root are the base's.
  // Errors: as DescribeAdapter.
  static absl::StatusOr<std::shared_ptr<const Model>> LoadAdapter(const std::string& directory,
                                                                  std::shared_ptr<const Model> base);
  // A model whose weights were made in memory: by a trainer, for a comparison. `weights` has the tensors that `spec`
  // needs, of dtype `options.dtype` on `options.device`.
  static std::shared_ptr<const Model> Assemble(DecoderSpec spec, const LoadOptions& options,
                                               std::unique_ptr<DecoderWeights> weights);
  ~Model();

  const DecoderSpec& spec() const { return description_.spec; }
  const ModelDescription& description() const { return description_; }
  const LoadOptions& options() const { return options_; }
  const DecoderWeights& weights() const { return *weights_; }
  // Of an adapter; null otherwise.
  const std::shared_ptr<const Model>& base() const { return base_; }
  // Bytes held on the device; without those of base().
  std::int64_t resident_bytes() const { return resident_bytes_; }

 private:
  Model(ModelDescription description, LoadOptions options, std::unique_ptr<DecoderWeights> weights,
        std::int64_t resident_bytes);

  ModelDescription description_;
  LoadOptions options_;
  std::shared_ptr<const Model> base_;
  // Null where the model was made in memory.
  std::shared_ptr<const Architecture> architecture_;
  std::unique_ptr<DecoderWeights> weights_;
  std::int64_t resident_bytes_;
};

}  // namespace headscope::worker
