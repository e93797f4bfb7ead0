#include "worker/tools/engine_check_model.h"

#include <filesystem>
#include <utility>

#include "worker/model/adapter/adapter_checkpoint.h"

namespace headscope::worker {

absl::StatusOr<std::shared_ptr<const Model>> LoadCheckedModel(const std::string& directory,
                                                              const LoadOptions& options) {
  const absl::StatusOr<bool> is_adapter = IsAdapter(directory, options.root);
  if (!is_adapter.ok()) return is_adapter.status();
  if (!*is_adapter) return Model::Load(directory, options);
  const absl::StatusOr<ModelDirectory> opened = ModelDirectory::Open(directory, options.root);
  if (!opened.ok()) return opened.status();
  const absl::StatusOr<AdapterConfig> config = ReadAdapterConfig(*opened);
  if (!config.ok()) return config.status();
  const std::filesystem::path beside = std::filesystem::weakly_canonical(directory).parent_path();
  absl::StatusOr<std::shared_ptr<const Model>> base =
      Model::Load(beside / std::filesystem::path(config->base).filename(), options);
  if (!base.ok()) return base.status();
  return Model::LoadAdapter(directory, *std::move(base));
}

}  // namespace headscope::worker
