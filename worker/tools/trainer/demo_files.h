// The files around a training: the model it begins with, its record, and samples of its tasks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worker/tools/model_writer/safetensors_writer.h"
#include "worker/tools/trainer/training_run.h"

namespace headscope::worker {

// Writes an untrained model of the demo's shape (Llama type, 4 layers x 8 heads, width 96, byte vocabulary, 128
// positions, 443,232 parameters) with its tokenizer to `directory`.
absl::Status WriteUntrainedModel(const std::string& directory, std::uint64_t seed);

// What made a checkpoint, as `training.json` beside it.
struct TrainingRecord {
  std::string command;
  // The directory it began with; empty: an untrained model.
  std::string from;
  // The file of the rows; empty: examples were drawn.
  std::string data;
  int threads = 0;
  std::string torch_version;
  std::int64_t parameters = 0;
  TrainingOptions options;
  TrainingResult result;
};
absl::Status WriteTrainingRecord(const std::string& directory, const TrainingRecord& record);

// Writes the first `count` held-out examples of each task to `directory`/<task>.jsonl, rows {"id", "prompt",
// "response"}. INVALID_ARGUMENT where a task has fewer.
absl::Status WriteSamples(const std::string& directory, const std::vector<std::string>& tasks, std::uint64_t seed,
                          std::int64_t count);

}  // namespace headscope::worker
