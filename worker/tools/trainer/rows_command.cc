// headscope-trainer rows: examples of tasks as a data file.
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/tools/model_writer/model_directory_writer.h"
#include "worker/tools/trainer/command.h"
#include "worker/tools/trainer/row_file.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {
namespace {

absl::Status Run(const Arguments& arguments, const std::string& /*words*/) {
  std::uint64_t seed = 0;
  std::int64_t count = 0;
  absl::Status status;
  ReadInteger(arguments, "seed", 0, std::numeric_limits<std::int64_t>::max(), seed, status);
  ReadInteger(arguments, "count", 1, 1'000'000, count, status);
  const std::string& split = arguments.Text("split");
  if (split != "training" && split != "held-out") {
    status.Update(absl::InvalidArgumentError(absl::StrCat("--split is training or held-out, not '", split, "'")));
  }
  if (arguments.Text("o").empty()) status.Update(absl::InvalidArgumentError("-o FILE is needed"));
  const auto tasks = ParseTasks(arguments.Text("task"));
  status.Update(tasks.status());
  if (!status.ok()) return status;
  std::string text;
  for (const std::string& task : *tasks) {
    const std::vector<Example> examples =
        split == "training" ? TrainingExamples(task, seed, count) : HeldOutExamples(task, seed, count);
    if (absl::Status enough = CheckCount(task, examples, count); !enough.ok()) return enough;
    absl::StrAppend(&text, RowsText(task, examples));
  }
  return WriteTextFile(arguments.Text("o"), text);
}

}  // namespace

const Command& RowsCommand() {
  static const Command command = {
      "rows",
      "headscope-trainer rows --task NAMES -o FILE: writes different examples of tasks as rows {\"id\", \"prompt\",\n"
      "\"response\"}, task after task. More of them begin with the same ones.",
      {
          {"task", "NAMES", "mix", "tasks, separated by commas"},
          {"count", "N", "256", "examples per task"},
          {"split", "SPLIT", "training", "training, or held-out: those that training never draws"},
          {"seed", "N", "1", "same seed, same rows"},
          {"o", "FILE", "", "the file to write (JSON Lines)"},
      },
      Run};
  return command;
}

}  // namespace headscope::worker
