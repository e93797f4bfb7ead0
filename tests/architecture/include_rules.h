// Who may include whom: the project's architecture as a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headscope::architecture {

// What files of one folder (and folders beneath it without a rule of their own) may include.
struct Rule {
  std::string_view folder;
  // Project folders, itself always included.
  std::vector<std::string_view> folders;
  // Third-party libraries besides the standard library, by name in kLibraries.
  std::vector<std::string_view> libraries;
};

// The longest matching folder decides; nullptr for files under no rule.
const Rule* RuleFor(std::string_view file);

// "file:line: message" for every include of `text` (the content of `file`) that its rule forbids.
std::vector<std::string> Violations(std::string_view file, std::string_view text);

}  // namespace headscope::architecture
