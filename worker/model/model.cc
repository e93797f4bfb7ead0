#include "worker/model/model.h"

#include <array>
#include <utility>

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/checkpoint.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/dtype.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_guard.h"

namespace headscope::worker {
namespace {

constexpr std::array<std::pair<DType, const char*>, 3> kDTypes = {{
    {DType::kFloat32, "float32"},
    {DType::kFloat64, "float64"},
    {DType::kBFloat16, "bfloat16"},
}};

// The scalar type of a stored float; the allow-list of tensor_accounting.cc admits no other.
at::ScalarType StoredScalarType(const std::string& dtype) {
  if (dtype == "F64") return at::kDouble;
  if (dtype == "F16") return at::kHalf;
  if (dtype == "BF16") return at::kBFloat16;
  return at::kFloat;
}

// Reads one tensor into host memory and converts it; only one stored copy is alive at a time.
absl::StatusOr<at::Tensor> ReadTensor(const TensorLocation& location, at::ScalarType dtype, const at::Device& device) {
  at::Tensor stored = at::empty(location.tensor->shape, StoredScalarType(location.tensor->dtype));
  const absl::Status status = location.file->Read(*location.tensor, stored.data_ptr());
  if (!status.ok()) return status;
  return stored.to(device, dtype);
}

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
        ReadTensor(checkpoint.account.locations[index], ToScalarType(options.dtype), *device);
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

}  // namespace

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

absl::StatusOr<std::shared_ptr<const Model>> Model::Load(const std::string& directory, const LoadOptions& options) {
  absl::StatusOr<Checkpoint> checkpoint = OpenCheckpoint(directory, options.root);
  if (!checkpoint.ok()) return checkpoint.status();
  absl::StatusOr<LoadedWeights> loaded =
      TorchGuard(absl::StrCat("loading ", directory), [&] { return LoadWeights(*checkpoint, options); });
  if (!loaded.ok()) return loaded.status();
  return std::shared_ptr<const Model>(
      new Model(std::move(checkpoint->description), options, std::move(loaded->weights), loaded->resident_bytes));
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
