#include "client/cli/sweep_request.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/await_model.h"
#include "client/cli/data_file.h"
#include "client/cli/model_glob.h"
#include "client/cli/numbers.h"
#include "client/cli/option_flags.h"

namespace headscope::cli {
namespace {

using Readers = std::vector<std::unique_ptr<client::RowReader>>;

// --data FILE FILE..., as a shell expands it: what stands behind the first is no flag's value.
std::vector<std::string> Paths(const Arguments& arguments) {
  std::vector<std::string> paths = arguments.GetAll("data");
  const std::vector<std::string>& more = arguments.positionals();
  paths.insert(paths.end(), more.begin(), more.end());
  return paths;
}

std::string TaskOf(const std::string& path) {
  const std::string name = FileName(path);
  return std::string(absl::StripSuffix(name, ".jsonl"));
}

absl::StatusOr<std::vector<std::string>> Tasks(const Arguments& arguments, const std::vector<std::string>& paths) {
  std::vector<std::string> tasks = arguments.List("task");
  if (!arguments.Has("task")) {
    for (const std::string& path : paths) tasks.push_back(TaskOf(path));
  } else if (tasks.size() != paths.size()) {
    return UsageError(
        absl::StrCat("--task: wanted a label for each of ", Count(paths.size(), "file"), ", found ", tasks.size()));
  }
  std::vector<std::string> sorted = tasks;
  std::sort(sorted.begin(), sorted.end());
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end());
  if (twin == sorted.end()) return tasks;
  return UsageError(absl::StrCat("two files are called \"", *twin, "\"; give each a label with --task A,B,..."));
}

// False when there are faults, which were printed.
absl::StatusOr<bool> CheckRows(Session& session, const NewSweep& sweep, Readers& readers) {
  bool sound = true;
  for (const std::string& path : sweep.paths) {
    auto rows = OpenRows(session, path, sweep.limit);
    if (!rows.ok()) return rows.status();
    sound = PrintFaults(session, path, (*rows)->Check()) && sound;
    readers.push_back(*std::move(rows));
  }
  return sound;
}

absl::Status FindModels(Session& session, client::Client& client, NewSweep& sweep) {
  const auto models = AwaitModels(session, client);
  if (!models.ok()) return models.status();
  auto chosen = ChooseModels(*models, sweep.model_patterns);
  if (!chosen.ok()) return chosen.status();
  for (const client::Model& model : chosen->left_out) {
    session.err() << "headscope: left out " << model.name << ", which is not supported: " << model.unsupported << "\n";
  }
  if (chosen->names.empty()) return absl::FailedPreconditionError("no model that was chosen is supported");
  sweep.request.spec.models = std::move(chosen->names);
  return absl::OkStatus();
}

absl::Status Upload(Session& session, client::Client& client, Readers& readers, NewSweep& sweep) {
  for (std::size_t i = 0; i < readers.size(); ++i) {
    const auto dataset = client.UploadDataset(*readers[i], FileName(sweep.paths[i]), session.Hooks());
    if (!dataset.ok()) return dataset.status();
    const std::vector<client::SweepDataset>& known = sweep.request.spec.datasets;
    const auto twin = std::find_if(known.begin(), known.end(),
                                   [&](const client::SweepDataset& other) { return other.dataset == dataset->id; });
    if (twin != known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(sweep.paths[i], " has the same rows as ", sweep.paths[std::size_t(twin - known.begin())]));
    }
    sweep.request.spec.datasets.push_back({dataset->id, sweep.tasks[i]});
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Flag> NewSweepFlags() {
  std::vector<Flag> flags = {{"models", "GLOB,...", "models whose names match: demo, 'run/checkpoint-*', '*'"},
                             {"data", "FILE...", "files of rows, as attribute takes them; - reads standard input"},
                             {"task", "LABEL,...", "a label for each file; default: the files' names"}};
  for (const Flag& flag : JobFlags()) flags.push_back(flag);
  flags.push_back({"label", "K=V", "label of the sweep, its jobs and patterns; may be repeated"});
  return flags;
}

absl::StatusOr<NewSweep> ReadNewSweep(const Arguments& arguments) {
  NewSweep sweep;
  sweep.model_patterns = arguments.List("models");
  sweep.paths = Paths(arguments);
  if (sweep.model_patterns.empty() || sweep.paths.empty()) {
    return UsageError("sweep needs --models GLOB and --data FILE, or the ID of a sweep");
  }
  auto tasks = Tasks(arguments, sweep.paths);
  if (!tasks.ok()) return tasks.status();
  sweep.tasks = *std::move(tasks);
  auto options = ReadJobOptions(arguments);
  if (!options.ok()) return options.status();
  sweep.limit = options->limit;
  client::SweepSpec& spec = sweep.request.spec;
  spec.compute = std::move(options->compute);
  spec.reduction = options->reduction;
  spec.execution = options->execution;
  spec.labels = std::move(options->labels);
  return sweep;
}

absl::StatusOr<std::optional<client::Sweep>> SubmitSweep(Session& session, NewSweep& sweep) {
  Readers readers;
  const auto sound = CheckRows(session, sweep, readers);
  if (!sound.ok()) return sound.status();
  if (!*sound) return std::optional<client::Sweep>();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = FindModels(session, **client, sweep); !status.ok()) return status;
  if (absl::Status status = Upload(session, **client, readers, sweep); !status.ok()) return status;
  auto submitted = (*client)->SubmitSweep(sweep.request);
  if (!submitted.ok()) return submitted.status();
  session.err() << "headscope: sweep " << submitted->id << ", " << Count(sweep.request.spec.models.size(), "model")
                << " x " << Count(sweep.paths.size(), "dataset") << "\n";
  return std::optional<client::Sweep>(*std::move(submitted));
}

}  // namespace headscope::cli
