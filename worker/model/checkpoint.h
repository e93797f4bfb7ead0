// A model directory that has been read as far as headers go: architecture, files and where each tensor stands.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/architecture.h"
#include "worker/model/model.h"
#include "worker/model/tensor_accounting.h"
#include "worker/model/weight_files.h"

namespace headscope::worker {

// Immutable: thread-safe. Move-only.
struct Checkpoint {
  Architecture architecture;
  WeightFiles files;
  Account account;
  ModelDescription description;
};

// Errors: those of DescribeModel.
absl::StatusOr<Checkpoint> OpenCheckpoint(const std::string& directory, const std::string& root);

}  // namespace headscope::worker
