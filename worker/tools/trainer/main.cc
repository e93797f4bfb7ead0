// headscope-trainer: trains a tiny model on synthetic tasks, fine-tunes one, measures it, and writes rows of the tasks.
#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/tools/trainer/command.h"

namespace headscope::worker {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// "headscope-trainer" and its arguments as they were given.
std::string CommandText(int count, const char* const* words) {
  std::string text = "headscope-trainer";
  for (int i = 1; i < count; ++i) absl::StrAppend(&text, " ", words[i]);
  return text;
}

// The command that the first word names, or null.
const Command* FindCommand(const std::string& word) {
  for (const Command* command : {&TrainCommand(), &EvaluateCommand(), &RowsCommand()}) {
    if (command->name == word) return command;
  }
  return nullptr;
}

int Main(int count, const char* const* words) {
  const Command* named = count > 1 ? FindCommand(words[1]) : nullptr;
  const Command& command = named != nullptr ? *named : TrainCommand();
  // Flags begin after the command's name, or after the program's.
  const int first = named != nullptr ? 1 : 0;
  if (count > first + 1 && (std::string(words[first + 1]) == "--help" || std::string(words[first + 1]) == "-h")) {
    std::cout << UsageText(command.summary, command.flags);
    return 0;
  }
  const auto arguments = Arguments::Parse(command.flags, count - first, words + first);
  const absl::Status status = arguments.ok() ? command.run(*arguments, CommandText(count, words)) : arguments.status();
  if (status.ok()) return 0;
  std::cerr << "headscope-trainer: " << std::string(status.message()) << "\n";
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

}  // namespace
}  // namespace headscope::worker

int main(int count, char** words) { return headscope::worker::Main(count, words); }
