// Writes model directories in Hugging Face layout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worker/tools/model_writer/checkpoint_plan.h"
#include "worker/tools/model_writer/safetensors_writer.h"

namespace headscope::worker {

// Tensors of `plan` with random values: deterministic in `seed`, each tensor with a stream of its own.
std::vector<OutputTensor> RandomTensors(const CheckpointPlan& plan, std::uint64_t seed);

// Makes `directory` (parents too) and writes config.json, generation_config.json and model.safetensors into it; the
// weights come last, so a directory that has them is complete. Errors: UNAVAILABLE (cannot be written; says why).
absl::Status WriteModelDirectory(const std::string& directory, const CheckpointPlan& plan, StoredType type,
                                 const std::vector<OutputTensor>& tensors);

}  // namespace headscope::worker
