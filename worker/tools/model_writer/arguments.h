// Command lines of the tools: flags with values, nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::worker {

// One flag, written `--name VALUE`, `--name=VALUE` or, where `name` is one letter, `-n VALUE`.
struct Flag {
  std::string name;
  // Shown in the usage: "DIR", "N".
  std::string value;
  std::string default_value;
  std::string help;
};

// Values of a command line. Immutable.
class Arguments {
 public:
  // INVALID_ARGUMENT names an unknown flag, a flag without its value or a word that is no flag.
  static absl::StatusOr<Arguments> Parse(const std::vector<Flag>& flags, int count, const char* const* words);

  // The value of a flag of the table, or its default.
  const std::string& Text(const std::string& name) const { return values_.at(name); }
  // The value as an integer within [low, high]. INVALID_ARGUMENT names the flag and the bounds.
  absl::StatusOr<std::int64_t> Integer(const std::string& name, std::int64_t low, std::int64_t high) const;
  // The value as a number above 0.
  absl::StatusOr<double> Positive(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// Help text: `summary`, then one line per flag.
std::string UsageText(const std::string& summary, const std::vector<Flag>& flags);

}  // namespace headscope::worker
