// The commands of headscope-trainer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/tools/model_writer/arguments.h"

namespace headscope::worker {

struct Command {
  std::string name;
  std::string summary;
  std::vector<Flag> flags;
  // `words`: the whole command line, for records. INVALID_ARGUMENT for a refused command line or file.
  absl::Status (*run)(const Arguments& arguments, const std::string& words);
};

// Trains; the command that is meant where none is named.
const Command& TrainCommand();
// Prints how well models know held-out examples or the rows of a file.
const Command& EvaluateCommand();
// Writes examples of a task as rows.
const Command& RowsCommand();

// Reads an integer flag into `target`, unless something was wrong before.
template <typename Integer>
void ReadInteger(const Arguments& arguments, const std::string& name, std::int64_t low, std::int64_t high,
                 Integer& target, absl::Status& status) {
  const absl::StatusOr<std::int64_t> value = arguments.Integer(name, low, high);
  if (value.ok()) {
    target = static_cast<Integer>(*value);
  } else {
    status.Update(value.status());
  }
}

}  // namespace headscope::worker
