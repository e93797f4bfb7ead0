#include "worker/tools/trainer/demo_files.h"

#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "worker/tools/model_writer/checkpoint_plan.h"
#include "worker/tools/model_writer/model_directory_writer.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/row_file.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {

absl::Status WriteUntrainedModel(const std::string& directory, std::uint64_t seed) {
  const CheckpointPlan plan = PlanLlama({.layers = 4,
                                         .heads = 8,
                                         .kv_heads = 8,
                                         .head_dim = 16,
                                         .width = 96,
                                         .mlp_width = 192,
                                         .vocabulary = kByteVocabulary,
                                         .positions = 128,
                                         .deviation = 0.1});
  const absl::Status written = WriteModelDirectory(directory, plan, StoredType::kFloat32, RandomTensors(plan, seed));
  if (!written.ok()) return written;
  return WriteTextFile(directory + "/tokenizer.json", ByteTokenizerJson());
}

absl::Status WriteTrainingRecord(const std::string& directory, const TrainingRecord& record) {
  const TrainingOptions& options = record.options;
  nlohmann::ordered_json json = {{"command", record.command}, {"from", record.from}, {"tasks", options.tasks}};
  if (!record.data.empty()) {
    json["data"] = record.data;
    json["rows"] = options.rows.size();
  }
  json.update({{"steps", options.steps},
               {"batch", options.batch},
               {"learning_rate", options.learning_rate},
               {"seed", options.seed},
               {"threads", record.threads},
               {"torch_version", record.torch_version},
               {"parameters", record.parameters},
               {"loss", record.result.loss},
               {"held_out_examples_per_task", options.held_out},
               {"held_out_accuracy", record.result.held_out_accuracy}});
  return WriteTextFile(directory + "/training.json", json.dump(2) + "\n");
}

absl::Status WriteSamples(const std::string& directory, const std::vector<std::string>& tasks, std::uint64_t seed,
                          std::int64_t count) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", directory, ": ", error.message()));
  for (const std::string& task : tasks) {
    const std::vector<Example> examples = HeldOutExamples(task, seed, count);
    if (absl::Status status = CheckCount(task, examples, count); !status.ok()) return status;
    const absl::Status written = WriteTextFile(absl::StrCat(directory, "/", task, ".jsonl"), RowsText(task, examples));
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

}  // namespace headscope::worker
