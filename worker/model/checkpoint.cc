#include "worker/model/checkpoint.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/adapter/adapter_config.h"
#include "worker/model/families/registry.h"
#include "worker/model/model_directory.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kMaxConfigBytes = 16 << 20;

absl::StatusOr<Architecture> ReadArchitecture(const ModelDirectory& directory) {
  if (directory.Contains(kAdapterConfigFile)) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory.shown(), ": holds an adapter (", kAdapterConfigFile, "), not a model"));
  }
  const absl::StatusOr<std::string> text = directory.ReadText("config.json", kMaxConfigBytes);
  if (!text.ok()) return text.status();
  return MakeArchitecture(*text);
}

ModelDescription Describe(const Architecture& architecture, const Account& account) {
  ModelDescription description;
  description.spec = architecture.spec;
  description.notes = account.notes;
  for (std::size_t i = 0; i < account.locations.size(); ++i) {
    const StoredTensor* tensor = account.locations[i].tensor;
    if (tensor == nullptr || architecture.tensors[i].presence == Presence::kUnread) continue;
    std::int64_t elements = 1;
    for (const std::int64_t dimension : tensor->shape) elements *= dimension;
    description.parameters += elements;
    description.weight_bytes += tensor->end - tensor->begin;
    AddStored({tensor->dtype, elements, tensor->end - tensor->begin}, description.stored);
    if (description.stored_dtype.empty()) description.stored_dtype = tensor->dtype;
    if (description.stored_dtype != tensor->dtype) description.stored_dtype = "mixed";
  }
  return description;
}

}  // namespace

void AddStored(const StoredPart& part, std::vector<StoredPart>& parts) {
  for (StoredPart& known : parts) {
    if (known.dtype != part.dtype) continue;
    known.parameters += part.parameters;
    known.bytes += part.bytes;
    return;
  }
  parts.push_back(part);
}

absl::StatusOr<Checkpoint> OpenCheckpoint(const std::string& path, const std::string& root) {
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(path, root);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<Architecture> architecture = ReadArchitecture(*directory);
  if (!architecture.ok()) return architecture.status();
  absl::StatusOr<WeightFiles> files = WeightFiles::Open(*directory);
  if (!files.ok()) return files.status();
  absl::StatusOr<Account> account = AccountForTensors(*architecture, files->tensors());
  if (!account.ok()) return account.status();
  ModelDescription description = Describe(*architecture, *account);
  description.name = directory->shown();
  return Checkpoint{*std::move(architecture), *std::move(files), *std::move(account), std::move(description)};
}

}  // namespace headscope::worker
