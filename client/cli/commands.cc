#include "client/cli/command.h"

namespace headscope::cli {

const std::vector<const Command*>& Commands() {
  static const std::vector<const Command*> commands = {
      &ModelsCommand(),  &ModelCommand(),     &TokenizeCommand(), &AttributeCommand(), &SweepCommand(),
      &JobsCommand(),    &JobCommand(),       &WatchCommand(),    &ResultCommand(),    &CancelCommand(),
      &RetryCommand(),   &DeleteCommand(),  &SweepsCommand(),    &DatasetsCommand(), &PatternsCommand(),  &DescribeCommand(),
      &CompareCommand(), &DecomposeCommand(), &TrackCommand(),    &RankCommand(),      &PlanMixtureCommand(),
      &ImportCommand(),  &ExportCommand(),    &ReportCommand(),   &HealthCommand()};
  return commands;
}

const Command* FindCommandByName(const std::string& name) {
  for (const Command* command : Commands()) {
    if (command->name == name) return command;
  }
  return nullptr;
}

const std::vector<Flag>& GlobalFlags() {
  static const std::vector<Flag> flags = {
      {"server", "HOST:PORT", "server to ask (variable HEADSCOPE_SERVER; default 127.0.0.1:50051)"},
      {"format", "table|json|csv", "form of the result (default table)"},
      {"help", "", "explain the command", 'h'},
      {"version", "", "print the version"}};
  return flags;
}

}  // namespace headscope::cli
