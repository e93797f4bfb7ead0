#include "worker/model/adapter/adapter_checkpoint.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kMaxConfigBytes = 16 << 20;

absl::StatusOr<SafetensorsFile> OpenTensors(const ModelDirectory& directory) {
  constexpr char kPickle[] = "adapter_model.bin";
  if (!directory.Contains(kAdapterTensorsFile) && directory.Contains(kPickle)) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory.shown(), ": the adapter's tensors are in ", kPickle,
                     " only, and pickles are not read; load it with peft and save it with safe_serialization=True"));
  }
  return SafetensorsFile::Open(directory, kAdapterTensorsFile);
}

StoredPart PartOf(const StoredTensor& tensor) {
  std::int64_t elements = 1;
  for (const std::int64_t dimension : tensor.shape) elements *= dimension;
  return {tensor.dtype, elements, tensor.end - tensor.begin};
}

AdapterDescription Describe(const AdapterConfig& config, const AdapterAccount& account, const std::string& base) {
  AdapterDescription description;
  description.base = base;
  description.rank = config.rank;
  description.alpha = config.alpha;
  description.rank_stabilised = config.rank_stabilised;
  std::set<std::string> targets, replaced;
  for (const AdapterTerm& term : account.terms) {
    targets.insert(term.module.substr(term.module.rfind('.') + 1));
    AddStored(PartOf(*term.down), description.stored);
    AddStored(PartOf(*term.up), description.stored);
  }
  for (const AdapterReplacement& replacement : account.replacements) {
    replaced.insert(replacement.tensor->name);
    AddStored(PartOf(*replacement.stored), description.stored);
  }
  description.targets.assign(targets.begin(), targets.end());
  description.replaced.assign(replaced.begin(), replaced.end());
  return description;
}

}  // namespace

absl::StatusOr<AdapterConfig> ReadAdapterConfig(const ModelDirectory& directory) {
  for (const char* weights : {"model.safetensors", "model.safetensors.index.json"}) {
    if (!directory.Contains(weights)) continue;
    return absl::FailedPreconditionError(absl::StrCat(directory.shown(), ": ", kAdapterConfigFile, " and ", weights,
                                                      " stand side by side: keep the adapter and the model in "
                                                      "directories of their own"));
  }
  const absl::StatusOr<std::string> text = directory.ReadText(kAdapterConfigFile, kMaxConfigBytes);
  if (!text.ok()) return text.status();
  absl::StatusOr<AdapterConfig> config = ParseAdapterConfig(*text);
  if (config.ok()) return config;
  return absl::Status(config.status().code(), absl::StrCat(directory.shown(), ": ", config.status().message()));
}

absl::StatusOr<AdapterCheckpoint> OpenAdapter(const std::string& path, const std::string& root,
                                              const Architecture& base, const std::string& base_name) {
  const absl::StatusOr<ModelDirectory> directory = ModelDirectory::Open(path, root);
  if (!directory.ok()) return directory.status();
  absl::StatusOr<AdapterConfig> config = ReadAdapterConfig(*directory);
  if (!config.ok()) return config.status();
  absl::StatusOr<SafetensorsFile> file = OpenTensors(*directory);
  if (!file.ok()) return file.status();
  absl::StatusOr<AdapterAccount> account = AccountForAdapter(*config, base, file->header());
  if (!account.ok()) {
    return absl::Status(account.status().code(),
                        absl::StrCat(directory->shown(), ": adapter of ", base_name, ": ", account.status().message()));
  }
  AdapterDescription description = Describe(*config, *account, base_name);
  return AdapterCheckpoint{*std::move(config), *std::move(file), *std::move(account), std::move(description)};
}

}  // namespace headscope::worker
