#include "worker/model/model.h"

#include <array>
#include <utility>

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/adapter/adapter_checkpoint.h"
#include "worker/model/adapter/adapter_weights.h"
#include "worker/model/checkpoint.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/dtype.h"
#include "worker/model/model_directory.h"
#include "worker/model/stored_tensor.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_guard.h"

namespace headscope::worker {
namespace {

constexpr std::array<std::pair<DType, const char*>, 3> kDTypes = {{
    {DType::kFloat32, "float32"},
    {DType::kFloat64, "float64"},
    {DType::kBFloat16, "bfloat16"},
}};

struct LoadedWeights {
  std::unique_ptr<DecoderWeights> weights;
  std::int64_t resident_bytes = 0;
};

absl::StatusOr<LoadedWeights> LoadWeights(const Checkpoint& checkpoint, const LoadOptions& options) {
  const absl::StatusOr<at::Device> device = ParseDevice(options.device);
  if (!device.ok()) return device.status();
  const GradMode no_graph(false);
  LoadedWeights loaded;
  const std::vector<FileTensor>& tensors = checkpoint.architecture.tensors;
  const auto source = [&](const FileTensor& tensor) -> absl::StatusOr<at::Tensor> {
    const std::size_t index = static_cast<std::size_t>(&tensor - tensors.data());
    absl::StatusOr<at::Tensor> read =
        ReadStoredTensor(checkpoint.account.locations[index], ToScalarType(options.dtype), *device);
    if (read.ok()) loaded.resident_bytes += static_cast<std::int64_t>(read->nbytes());
    return read;
  };
  absl::StatusOr<DecoderWeights> weights = AssembleWeights(checkpoint.architecture, source);
  if (!weights.ok()) return weights.status();
  const absl::Status status = checkpoint.files.CheckSizes();
  if (!status.ok()) return status;
  loaded.weights = std::make_unique<DecoderWeights>(*std::move(weights));
  return loaded;
}

// A fault of a base model, found on behalf of its adapter.
absl::Status OfBase(const std::string& adapter, const std::string& root, const absl::Status& fault) {
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(adapter, root);
  if (!directory.ok()) return directory.status();
  return absl::Status(fault.code(), absl::StrCat(directory->shown(), ": its base model: ", fault.message()));
}

// The description of a base with an adapter.
ModelDescription Adapted(ModelDescription description, AdapterCheckpoint adapter) {
  description.parameters += adapter.description.parameters();
  description.weight_bytes += adapter.description.bytes();
  for (const StoredPart& part : adapter.description.stored) AddStored(part, description.stored);
  for (std::string& note : adapter.config.notes) description.notes.push_back(std::move(note));
  description.adapter = std::move(adapter.description);
  return description;
}

}  // namespace

std::int64_t AdapterDescription::parameters() const {
  std::int64_t sum = 0;
  for (const StoredPart& part : stored) sum += part.parameters;
  return sum;
}

std::int64_t AdapterDescription::bytes() const {
  std::int64_t sum = 0;
  for (const StoredPart& part : stored) sum += part.bytes;
  return sum;
}

std::string DTypeName(DType dtype) {
  for (const auto& [known, name] : kDTypes) {
    if (known == dtype) return name;
  }
  return "unknown";
}

absl::StatusOr<DType> ParseDType(const std::string& name) {
  for (const auto& [dtype, known] : kDTypes) {
    if (name == known) return dtype;
  }
  return absl::InvalidArgumentError(absl::StrCat("dtype \"", name, "\" is not float32, float64 or bfloat16"));
}

at::ScalarType ToScalarType(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return at::kDouble;
    case DType::kBFloat16:
      return at::kBFloat16;
    case DType::kFloat32:
      break;
  }
  return at::kFloat;
}

absl::StatusOr<ModelDescription> DescribeModel(const std::string& directory, const std::string& root) {
  absl::StatusOr<Checkpoint> checkpoint = OpenCheckpoint(directory, root);
  if (!checkpoint.ok()) return checkpoint.status();
  return std::move(checkpoint->description);
}

absl::StatusOr<bool> IsAdapter(const std::string& directory, const std::string& root) {
  const absl::StatusOr<ModelDirectory> opened = ModelDirectory::Open(directory, root);
  if (!opened.ok()) return opened.status();
  return opened->Contains(kAdapterConfigFile);
}

absl::StatusOr<ModelDescription> DescribeAdapter(const std::string& directory, const std::string& base_directory,
                                                 const std::string& root) {
  absl::StatusOr<Checkpoint> base = OpenCheckpoint(base_directory, root);
  if (!base.ok()) return OfBase(directory, root, base.status());
  absl::StatusOr<AdapterCheckpoint> adapter = OpenAdapter(directory, root, base->architecture, base->description.name);
  if (!adapter.ok()) return adapter.status();
  return Adapted(std::move(base->description), *std::move(adapter));
}

absl::StatusOr<std::shared_ptr<const Model>> Model::Load(const std::string& directory, const LoadOptions& options) {
  absl::StatusOr<Checkpoint> checkpoint = OpenCheckpoint(directory, options.root);
  if (!checkpoint.ok()) return checkpoint.status();
  absl::StatusOr<LoadedWeights> loaded =
      TorchGuard(absl::StrCat("loading ", directory), [&] { return LoadWeights(*checkpoint, options); });
  if (!loaded.ok()) return loaded.status();
  std::shared_ptr<Model> model(
      new Model(std::move(checkpoint->description), options, std::move(loaded->weights), loaded->resident_bytes));
  model->architecture_ = std::make_shared<const Architecture>(std::move(checkpoint->architecture));
  return model;
}

absl::StatusOr<std::shared_ptr<const Model>> Model::LoadAdapter(const std::string& directory,
                                                                std::shared_ptr<const Model> base) {
  if (base->base_ != nullptr || base->architecture_ == nullptr) {
    return absl::FailedPreconditionError("the base of an adapter is a model that was read from files, and no adapter");
  }
  const LoadOptions& options = base->options_;
  absl::StatusOr<AdapterCheckpoint> adapter =
      OpenAdapter(directory, options.root, *base->architecture_, base->description_.name);
  if (!adapter.ok()) return adapter.status();
  absl::StatusOr<AdaptedWeights> loaded = TorchGuard(absl::StrCat("loading ", directory), [&] {
    return LoadAdapterWeights(*adapter, *base->architecture_, base->weights());
  });
  if (!loaded.ok()) return loaded.status();
  std::shared_ptr<Model> model(new Model(Adapted(base->description_, *std::move(adapter)), options,
                                         std::make_unique<DecoderWeights>(std::move(loaded->weights)),
                                         loaded->resident_bytes));
  model->base_ = std::move(base);
  return model;
}

std::shared_ptr<const Model> Model::Assemble(DecoderSpec spec, const LoadOptions& options,
                                             std::unique_ptr<DecoderWeights> weights) {
  ModelDescription description;
  description.spec = std::move(spec);
  return std::shared_ptr<const Model>(new Model(std::move(description), options, std::move(weights), 0));
}

Model::Model(ModelDescription description, LoadOptions options, std::unique_ptr<DecoderWeights> weights,
             std::int64_t resident_bytes)
    : description_(std::move(description)),
      options_(std::move(options)),
      weights_(std::move(weights)),
      resident_bytes_(resident_bytes) {}

Model::~Model() = default;

}  // namespace headscope::worker
