#include "client/cli/help.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"

namespace headscope::cli {
namespace {

std::string Spelled(const Flag& flag) {
  std::string text = flag.letter == 0 ? absl::StrCat("--", flag.name) : absl::StrCat("-", std::string(1, flag.letter));
  if (flag.letter != 0) text = absl::StrCat(text, ", --", flag.name);
  return flag.value.empty() ? text : absl::StrCat(text, " ", flag.value);
}

void PrintFlags(std::ostream& out, const std::vector<Flag>& flags) {
  for (const Flag& flag : flags) {
    const std::string spelled = Spelled(flag);
    constexpr std::size_t kColumn = 34;
    out << "  " << spelled;
    if (spelled.size() + 2 > kColumn) {
      out << "\n" << std::string(kColumn + 2, ' ');
    } else {
      out << std::string(kColumn - spelled.size(), ' ');
    }
    out << flag.help << "\n";
  }
}

void PrintExamples(std::ostream& out, const std::vector<std::string>& examples) {
  if (examples.empty()) return;
  out << "\nExamples:\n";
  for (const std::string& example : examples) out << "  headscope " << example << "\n";
}

}  // namespace

void PrintOverview(std::ostream& out) {
  out << "headscope tells which attention heads of a language model a task uses.\n\n"
         "Usage: headscope [--server HOST:PORT] [--format table|json|csv] COMMAND\n\n"
         "Commands:\n";
  for (const Command* command : Commands()) {
    const std::string usage =
        absl::StrCat(command->name, command->positionals.empty() ? "" : " ", command->positionals);
    out << "  " << usage << std::string(usage.size() < 20 ? 20 - usage.size() : 1, ' ') << command->summary << "\n";
  }
  out << "  help [COMMAND]      explain a command, with examples\n\nFlags, before or behind the command:\n";
  PrintFlags(out, GlobalFlags());
  out << "\nOnly the result goes to standard output, everything else to standard error. Exit status: 0 done; 1 the "
         "job\n"
         "failed, was cancelled or is not finished, or the server is not healthy; 2 usage or refused input; 3 server\n"
         "not reachable; 4 not found; 5 refused for quota or rights; 130 detached by Ctrl-C.\n";
  PrintExamples(out, {"models", "attribute --model demo --data samples.jsonl",
                      "--format json attribute --model demo --data samples.jsonl --samples > result.json",
                      "result j-0h3kq8z1v5m2n4p7 --positions response -o pattern.npy"});
}

void PrintHelp(std::ostream& out, const Command& command) {
  out << "Usage: headscope " << command.name << (command.positionals.empty() ? "" : " ") << command.positionals
      << (command.flags.empty() ? "" : " [flags]") << "\n\n"
      << command.description << "\n";
  if (!command.flags.empty()) {
    out << "\nFlags:\n";
    PrintFlags(out, command.flags);
  }
  out << "\nGlobal flags:\n";
  PrintFlags(out, GlobalFlags());
  PrintExamples(out, command.examples);
}

}  // namespace headscope::cli
