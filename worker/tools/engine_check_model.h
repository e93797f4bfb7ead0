// The model of a golden case.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/model/model.h"

namespace headscope::worker {

// Loads the model in `directory`; where it is an adapter, on its base, which is looked for beside it: the directory
// that has the last step of base_model_name_or_path as its name. Errors: those of Model::Load and Model::LoadAdapter.
absl::StatusOr<std::shared_ptr<const Model>> LoadCheckedModel(const std::string& directory, const LoadOptions& options);

}  // namespace headscope::worker
