// headscope-trainer [train]: trains a model and writes it.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "worker/model/padded_batch.h"
#include "worker/tensor/torch_runtime.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/command.h"
#include "worker/tools/trainer/demo_files.h"
#include "worker/tools/trainer/learner.h"
#include "worker/tools/trainer/row_file.h"
#include "worker/tools/trainer/task.h"
#include "worker/tools/trainer/training_run.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kMost = 1'000'000;

// A checked command line.
struct Settings {
  TrainingOptions training;
  int threads = 1;
  StoredType type = StoredType::kFloat32;
  std::int64_t sample_count = 0;
};

absl::StatusOr<std::set<std::int64_t>> ReadCheckpoints(const std::string& text, std::int64_t steps) {
  std::set<std::int64_t> checkpoints;
  for (const std::string& word : std::vector<std::string>(absl::StrSplit(text, ',', absl::SkipEmpty()))) {
    std::int64_t step = 0;
    if (!absl::SimpleAtoi(word, &step) || step < 1 || step > steps) {
      return absl::InvalidArgumentError(
          absl::StrCat("--checkpoints are steps from 1 to ", steps, ", separated by commas, not '", word, "'"));
    }
    checkpoints.insert(step);
  }
  return checkpoints;
}

// Either tasks to draw examples of, or the rows of a file.
absl::Status ReadExamples(const Arguments& arguments, TrainingOptions& training) {
  const std::string& data = arguments.Text("data");
  const std::string& task = arguments.Text("task");
  const auto limit = arguments.Integer("limit", 0, std::numeric_limits<std::int64_t>::max());
  if (!limit.ok()) return limit.status();
  if (data.empty()) {
    if (*limit > 0) return absl::InvalidArgumentError("--limit belongs to --data");
    auto tasks = ParseTasks(task.empty() ? "mix" : task);
    if (tasks.ok()) training.tasks = *std::move(tasks);
    return tasks.status();
  }
  if (!task.empty()) return absl::InvalidArgumentError("--task draws examples and --data reads them: only one of them");
  if (!arguments.Text("samples").empty())
    return absl::InvalidArgumentError("--samples belongs to --task, not to --data");
  auto rows = ReadRows(data, *limit);
  if (rows.ok()) training.rows = *std::move(rows);
  return rows.status();
}

absl::StatusOr<Settings> ReadSettings(const Arguments& arguments) {
  Settings settings;
  absl::Status status;
  TrainingOptions& training = settings.training;
  ReadInteger(arguments, "steps", 1, kMost, training.steps, status);
  ReadInteger(arguments, "batch", 1, kMost, training.batch, status);
  ReadInteger(arguments, "warm-up", 1, kMost, training.warm_up_steps, status);
  ReadInteger(arguments, "seed", 0, std::numeric_limits<std::int64_t>::max(), training.seed, status);
  ReadInteger(arguments, "save-every", 0, kMost, training.save_every, status);
  ReadInteger(arguments, "threads", 0, 1024, settings.threads, status);
  ReadInteger(arguments, "sample-count", 1, kMost, settings.sample_count, status);
  const auto rate = arguments.Positive("learning-rate");
  const auto type = ParseStoredType(arguments.Text("dtype"));
  const auto checkpoints = ReadCheckpoints(arguments.Text("checkpoints"), training.steps);
  status.Update(rate.status());
  status.Update(type.status());
  status.Update(checkpoints.status());
  if (arguments.Text("o").empty()) status.Update(absl::InvalidArgumentError("-o DIR is needed"));
  if (status.ok()) status.Update(ReadExamples(arguments, training));
  if (!status.ok()) return status;
  training.learning_rate = *rate;
  training.checkpoints = *checkpoints;
  settings.type = *type;
  if (settings.threads == 0) settings.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return settings;
}

absl::StatusOr<std::unique_ptr<Learner>> OpenLearner(const Arguments& arguments, std::uint64_t seed) {
  std::string begin = arguments.Text("from");
  if (begin.empty()) {
    begin = arguments.Text("o");
    const absl::Status written = WriteUntrainedModel(begin, seed);
    if (!written.ok()) return written;
  }
  return OpenByteLearner(begin);
}

// Whether the model can run every row: found before the first step, not at the one that meets a bad row.
absl::Status CheckRows(const std::vector<Example>& rows, const DecoderSpec& spec, const std::string& data) {
  if (rows.empty()) return absl::OkStatus();
  PackedBatch batch;
  for (const Example& row : rows) AddExample(row, batch);
  const absl::Status status = CheckBatch(batch, spec);
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(data, ": ", status.message()));
}

TrainingEvents Events(const Learner& learner, const std::string& directory, StoredType type) {
  TrainingEvents events;
  events.report = [](const std::string& line) { std::cout << line << std::endl; };
  events.save = [&learner, directory, type](std::int64_t step) {
    std::string number = absl::StrCat(step);
    number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
    return learner.Save(absl::StrCat(directory, "-step-", number), type);
  };
  events.checkpoint = [&learner, directory, type](std::int64_t step) {
    return learner.Save(absl::StrCat(directory, "/checkpoint-", step), type);
  };
  return events;
}

absl::Status Run(const Arguments& arguments, const std::string& words) {
  const auto settings = ReadSettings(arguments);
  if (!settings.ok()) return settings.status();
  SetComputeThreads(settings->threads);
  const TrainingOptions& training = settings->training;
  const std::string directory = arguments.Text("o");
  const auto learner = OpenLearner(arguments, training.seed);
  if (!learner.ok()) return learner.status();
  absl::Status status = CheckRows(training.rows, (*learner)->spec(), arguments.Text("data"));
  if (!status.ok()) return status;
  const auto result = Train(**learner, training, Events(**learner, directory, settings->type));
  if (!result.ok()) return result.status();
  status = (*learner)->Save(directory, settings->type);
  status.Update(WriteTrainingRecord(directory, {.command = words,
                                                .from = arguments.Text("from"),
                                                .data = arguments.Text("data"),
                                                .threads = settings->threads,
                                                .torch_version = TorchVersion(),
                                                .parameters = (*learner)->parameters(),
                                                .options = training,
                                                .result = *result}));
  if (!arguments.Text("samples").empty()) {
    status.Update(WriteSamples(arguments.Text("samples"), training.tasks, training.seed, settings->sample_count));
  }
  return status;
}

}  // namespace

const Command& TrainCommand() {
  static const Command command = {
      "train",
      "headscope-trainer [train] -o DIR: trains a tiny model on synthetic tasks, or on rows. Other commands, each with "
      "its\n"
      "own --help: evaluate, rows.",
      {
          {"task", "NAMES", "",
           "of add,copy,lookup,reverse,sort and the composed add-then-reverse,copy-and-reverse,copy-and-sort,"
           "sort-then-reverse, separated by commas; mix is all basic ones and the default, composed all composed ones; "
           "twice is twice as often"},
          {"data", "FILE", "",
           "train on these rows {\"prompt\", \"response\"}, round after round, instead of on tasks"},
          {"limit", "N", "0", "only the first N rows of --data; 0: all"},
          {"steps", "N", "5000", "steps of the optimiser"},
          {"batch", "N", "32", "examples per step"},
          {"learning-rate", "R", "0.002", "highest learning rate"},
          {"warm-up", "N", "100", "steps until it is reached"},
          {"seed", "N", "1", "same seed and threads, same bytes"},
          {"threads", "N", "0", "compute threads; 0: one per core"},
          {"from", "DIR", "", "begin with this model (byte vocabulary) instead of an untrained one"},
          {"save-every", "N", "0", "also write the model to DIR-step-NNNNNN every N steps"},
          {"checkpoints", "N,N,...", "", "also write the model to DIR/checkpoint-N after each of these steps"},
          {"dtype", "TYPE", "float32", "how weights are stored: float32 or bfloat16"},
          {"samples", "DIR", "", "write held-out samples of each task there"},
          {"sample-count", "N", "64", "samples per task"},
          {"o", "DIR", "", "the model directory to write"},
      },
      Run};
  return command;
}

}  // namespace headscope::worker
