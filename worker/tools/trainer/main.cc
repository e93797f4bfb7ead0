// headscope-trainer: trains a tiny model on synthetic tasks, and fine-tunes one.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/tensor/torch_runtime.h"
#include "worker/tools/model_writer/arguments.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/demo_files.h"
#include "worker/tools/trainer/learner.h"
#include "worker/tools/trainer/task.h"
#include "worker/tools/trainer/training_run.h"

namespace headscope::worker {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr std::int64_t kMost = 1'000'000;

const std::vector<Flag>& Flags() {
  static const std::vector<Flag> flags = {
      {"task", "NAMES", "mix",
       "of add,copy,lookup,reverse,sort, separated by commas; mix is all of them; twice is twice as often"},
      {"steps", "N", "5000", "steps of the optimiser"},
      {"batch", "N", "32", "examples per step"},
      {"learning-rate", "R", "0.002", "highest learning rate"},
      {"seed", "N", "1", "same seed and threads, same bytes"},
      {"threads", "N", "0", "compute threads; 0: one per core"},
      {"from", "DIR", "", "begin with this model (byte vocabulary) instead of an untrained one"},
      {"save-every", "N", "0", "also write the model to DIR-step-NNNNNN every N steps"},
      {"dtype", "TYPE", "float32", "how weights are stored: float32 or bfloat16"},
      {"samples", "DIR", "", "write held-out samples of each task there"},
      {"sample-count", "N", "64", "samples per task"},
      {"o", "DIR", "", "the model directory to write"},
  };
  return flags;
}

// A checked command line.
struct Settings {
  TrainingOptions training;
  int threads = 1;
  StoredType type = StoredType::kFloat32;
  std::int64_t sample_count = 0;
};

// Reads an integer flag into `target`, unless something was wrong before.
template <typename Integer>
void Read(const Arguments& arguments, const std::string& name, std::int64_t low, std::int64_t high, Integer& target,
          absl::Status& status) {
  const absl::StatusOr<std::int64_t> value = arguments.Integer(name, low, high);
  if (value.ok()) {
    target = static_cast<Integer>(*value);
  } else {
    status.Update(value.status());
  }
}

absl::StatusOr<Settings> ReadSettings(const Arguments& arguments) {
  Settings settings;
  absl::Status status;
  TrainingOptions& training = settings.training;
  Read(arguments, "steps", 1, kMost, training.steps, status);
  Read(arguments, "batch", 1, kMost, training.batch, status);
  Read(arguments, "seed", 0, std::numeric_limits<std::int64_t>::max(), training.seed, status);
  Read(arguments, "save-every", 0, kMost, training.save_every, status);
  Read(arguments, "threads", 0, 1024, settings.threads, status);
  Read(arguments, "sample-count", 1, kMost, settings.sample_count, status);
  const auto tasks = ParseTasks(arguments.Text("task"));
  const auto rate = arguments.Positive("learning-rate");
  const auto type = ParseStoredType(arguments.Text("dtype"));
  status.Update(tasks.status());
  status.Update(rate.status());
  status.Update(type.status());
  if (arguments.Text("o").empty()) status.Update(absl::InvalidArgumentError("-o DIR is needed"));
  if (!status.ok()) return status;
  training.tasks = *tasks;
  training.learning_rate = *rate;
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
  auto learner = Learner::Open(begin);
  if (learner.ok() && (*learner)->spec().vocabulary != kByteVocabulary) {
    return absl::FailedPreconditionError(absl::StrCat(begin, " has ", (*learner)->spec().vocabulary,
                                                      " words; the tasks need the byte vocabulary of ",
                                                      kByteVocabulary));
  }
  return learner;
}

// "headscope-trainer" and its arguments as they were given.
std::string CommandText(int count, const char* const* words) {
  std::string text = "headscope-trainer";
  for (int i = 1; i < count; ++i) absl::StrAppend(&text, " ", words[i]);
  return text;
}

TrainingEvents Events(const Learner& learner, const std::string& directory, StoredType type) {
  TrainingEvents events;
  events.report = [](const std::string& line) { std::cout << line << std::endl; };
  events.save = [&learner, directory, type](std::int64_t step) {
    std::string number = absl::StrCat(step);
    number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
    return learner.Save(absl::StrCat(directory, "-step-", number), type);
  };
  return events;
}

absl::Status Run(const Arguments& arguments, const std::string& command) {
  const auto settings = ReadSettings(arguments);
  if (!settings.ok()) return settings.status();
  SetComputeThreads(settings->threads);
  const TrainingOptions& training = settings->training;
  const std::string directory = arguments.Text("o");
  const auto learner = OpenLearner(arguments, training.seed);
  if (!learner.ok()) return learner.status();
  const auto result = Train(**learner, training, Events(**learner, directory, settings->type));
  if (!result.ok()) return result.status();
  absl::Status status = (*learner)->Save(directory, settings->type);
  status.Update(WriteTrainingRecord(directory, {.command = command,
                                                .from = arguments.Text("from"),
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

int Main(int count, const char* const* words) {
  if (count > 1 && (std::string(words[1]) == "--help" || std::string(words[1]) == "-h")) {
    std::cout << UsageText("headscope-trainer -o DIR: trains a tiny model on synthetic tasks.", Flags());
    return 0;
  }
  const auto arguments = Arguments::Parse(Flags(), count, words);
  const absl::Status status = arguments.ok() ? Run(*arguments, CommandText(count, words)) : arguments.status();
  if (status.ok()) return 0;
  std::cerr << "headscope-trainer: " << std::string(status.message()) << "\n";
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

}  // namespace
}  // namespace headscope::worker

int main(int count, char** words) { return headscope::worker::Main(count, words); }
