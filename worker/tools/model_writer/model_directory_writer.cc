#include "worker/tools/model_writer/model_directory_writer.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "worker/tools/model_writer/random.h"

namespace headscope::worker {

std::vector<OutputTensor> RandomTensors(const CheckpointPlan& plan, std::uint64_t seed) {
  std::vector<OutputTensor> tensors;
  for (std::size_t stream = 0; stream < plan.tensors.size(); ++stream) {
    const PlannedTensor& planned = plan.tensors[stream];
    tensors.push_back({planned.name, planned.shape, [planned, seed, stream](std::span<float> values) {
                         Random random(seed, stream);
                         for (float& value : values) {
                           const double noise = planned.deviation == 0.0 ? 0.0 : planned.deviation * random.Normal();
                           value = static_cast<float>(planned.constant + noise);
                         }
                       }});
  }
  return tensors;
}

absl::Status WriteModelDirectory(const std::string& directory, const CheckpointPlan& plan, StoredType type,
                                 const std::vector<OutputTensor>& tensors) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", directory, ": ", error.message()));
  nlohmann::ordered_json config = plan.config;
  config["torch_dtype"] = StoredTypeName(type);
  absl::Status written = WriteTextFile(directory + "/config.json", config.dump(2) + "\n");
  if (!written.ok()) return written;
  written = WriteTextFile(directory + "/generation_config.json", plan.generation_config.dump(2) + "\n");
  if (!written.ok()) return written;
  return WriteSafetensors(directory + "/model.safetensors", type, tensors);
}

}  // namespace headscope::worker
