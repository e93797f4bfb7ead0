// headscope-trainer evaluate: how well models know examples, as JSON.
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "worker/tensor/torch_runtime.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/command.h"
#include "worker/tools/trainer/learner.h"
#include "worker/tools/trainer/measurement.h"
#include "worker/tools/trainer/row_file.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {
namespace {

using Json = nlohmann::ordered_json;

struct ExampleSet {
  // "task" or "data", and which.
  std::string kind;
  std::string name;
  std::vector<Example> examples;
};

absl::StatusOr<std::vector<ExampleSet>> HeldOutSets(const Arguments& arguments) {
  std::uint64_t seed = 0;
  std::int64_t count = 0;
  absl::Status status;
  ReadInteger(arguments, "seed", 0, std::numeric_limits<std::int64_t>::max(), seed, status);
  ReadInteger(arguments, "count", 1, 1'000'000, count, status);
  const auto tasks = ParseTasks(arguments.Text("task"));
  status.Update(tasks.status());
  if (!status.ok()) return status;
  std::vector<ExampleSet> sets;
  for (const std::string& task : *tasks) {
    sets.push_back({"task", task, HeldOutExamples(task, seed, count)});
    if (absl::Status enough = CheckCount(task, sets.back().examples, count); !enough.ok()) return enough;
  }
  return sets;
}

absl::StatusOr<std::vector<ExampleSet>> ReadSets(const Arguments& arguments) {
  const std::string& data = arguments.Text("data");
  if (data.empty() == arguments.Text("task").empty()) {
    return absl::InvalidArgumentError("evaluate needs --task NAMES or --data FILE, one of them");
  }
  if (data.empty()) return HeldOutSets(arguments);
  auto rows = ReadRows(data, 0);
  if (!rows.ok()) return rows.status();
  return std::vector<ExampleSet>{{"data", data, *std::move(rows)}};
}

absl::Status EvaluateModel(const std::string& model, const std::vector<ExampleSet>& sets, Json& evaluations) {
  const auto learner = OpenByteLearner(model);
  if (!learner.ok()) return learner.status();
  for (const ExampleSet& set : sets) {
    const auto measured = Measure(**learner, set.examples);
    if (!measured.ok()) return measured.status();
    evaluations.push_back({{"model", model},
                           {set.kind, set.name},
                           {"examples", measured->examples},
                           {"loss", measured->loss},
                           {"accuracy", measured->accuracy}});
  }
  return absl::OkStatus();
}

absl::Status Run(const Arguments& arguments, const std::string& /*words*/) {
  int threads = 0;
  absl::Status status;
  ReadInteger(arguments, "threads", 1, 1024, threads, status);
  if (arguments.Text("model").empty()) status.Update(absl::InvalidArgumentError("--model DIR,... is needed"));
  if (!status.ok()) return status;
  const auto sets = ReadSets(arguments);
  if (!sets.ok()) return sets.status();
  SetComputeThreads(threads);
  Json evaluations = Json::array();
  for (const std::string& model : std::vector<std::string>(absl::StrSplit(arguments.Text("model"), ','))) {
    status = EvaluateModel(model, *sets, evaluations);
    if (!status.ok()) return status;
  }
  std::cout << Json({{"evaluations", evaluations}}).dump(2) << std::endl;
  return absl::OkStatus();
}

}  // namespace

const Command& EvaluateCommand() {
  static const Command command = {
      "evaluate",
      "headscope-trainer evaluate --model DIR,... (--task NAMES | --data FILE): prints, as JSON, the loss (nats per\n"
      "supervised token) and the share of examples answered exactly, of each model on each task or on the file.",
      {
          {"model", "DIR,...", "", "models to measure (byte vocabulary), separated by commas"},
          {"task", "NAMES", "", "on held-out examples of these tasks"},
          {"data", "FILE", "", "on these rows {\"prompt\", \"response\"}"},
          {"count", "N", "256", "held-out examples per task"},
          {"seed", "N", "1", "of the held-out examples"},
          {"threads", "N", "1", "compute threads"},
      },
      Run};
  return command;
}

}  // namespace headscope::worker
