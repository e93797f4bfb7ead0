// An adapter's directory that has been read as far as headers go.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "worker/model/adapter/adapter_config.h"
#include "worker/model/adapter/adapter_tensors.h"
#include "worker/model/architecture.h"
#include "worker/model/model.h"
#include "worker/model/model_directory.h"
#include "worker/model/safetensors_file.h"

namespace headscope::worker {

// Immutable: thread-safe. Move-only.
struct AdapterCheckpoint {
  AdapterConfig config;
  SafetensorsFile file;
  // Points into `file` and into the base's architecture.
  AdapterAccount account;
  AdapterDescription description;
};

// Reads adapter_config.json in `directory`. Errors: those of ModelDirectory and of ParseAdapterConfig, and
// FAILED_PRECONDITION where a model's own weights stand beside it.
absl::StatusOr<AdapterConfig> ReadAdapterConfig(const ModelDirectory& directory);

// The adapter in `path`, beneath `root`, for the model `base`, which outlives the result and which messages call
// `base_name`. Errors: those of ReadAdapterConfig, SafetensorsFile::Open and AccountForAdapter; FAILED_PRECONDITION
// where the tensors are in another format only.
absl::StatusOr<AdapterCheckpoint> OpenAdapter(const std::string& path, const std::string& root,
                                              const Architecture& base, const std::string& base_name);

}  // namespace headscope::worker
