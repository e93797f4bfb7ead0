// A sub-command as data: its grammar, its help, and what it does. One file per sub-command defines one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/cli/session.h"

namespace headscope::cli {

struct Command {
  std::string name;
  // As shown in the help: "NAME TEXT".
  std::string positionals;
  std::size_t least_positionals = 0;
  std::size_t most_positionals = 0;
  // One line.
  std::string summary;
  // Whole paragraphs.
  std::string description;
  std::vector<Flag> flags;
  // Command lines without "headscope".
  std::vector<std::string> examples;
  // The exit status; an error is printed by the caller and decides it.
  absl::StatusOr<int> (*run)(Session& session, const Arguments& arguments) = nullptr;
};

const Command& AttributeCommand();
const Command& CancelCommand();
const Command& RetryCommand();
const Command& CompareCommand();
const Command& DatasetsCommand();
const Command& DecomposeCommand();
const Command& DeleteCommand();
const Command& DescribeCommand();
const Command& ExportCommand();
const Command& HealthCommand();
const Command& ImportCommand();
const Command& JobCommand();
const Command& JobsCommand();
const Command& ModelCommand();
const Command& ModelsCommand();
const Command& PatternsCommand();
const Command& PlanMixtureCommand();
const Command& RankCommand();
const Command& ReportCommand();
const Command& ResultCommand();
const Command& SweepCommand();
const Command& SweepsCommand();
const Command& TokenizeCommand();
const Command& TrackCommand();
const Command& WatchCommand();

// All of them, in the order of the help.
const std::vector<const Command*>& Commands();
// Null when there is none of that name.
const Command* FindCommandByName(const std::string& name);
// The flags that every command takes, before it and behind it.
const std::vector<Flag>& GlobalFlags();

}  // namespace headscope::cli
