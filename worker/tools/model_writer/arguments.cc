#include "worker/tools/model_writer/arguments.h"

#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

std::string Dashed(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

// "--name=value" or "--name" -> name and, if there is one, "=value".
std::pair<std::string, std::string> SplitWord(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) return {word, ""};
  return {word.substr(0, equals), word.substr(equals)};
}

}  // namespace

absl::StatusOr<Arguments> Arguments::Parse(const std::vector<Flag>& flags, int count, const char* const* words) {
  Arguments arguments;
  std::map<std::string, std::string> names;
  for (const Flag& flag : flags) {
    arguments.values_[flag.name] = flag.default_value;
    names[Dashed(flag.name)] = flag.name;
  }
  for (int i = 1; i < count; ++i) {
    const auto [dashed, assigned] = SplitWord(words[i]);
    const auto found = names.find(dashed);
    if (found == names.end()) {
      return absl::InvalidArgumentError(absl::StrCat("unknown argument '", words[i], "'"));
    }
    if (!assigned.empty()) {
      arguments.values_[found->second] = assigned.substr(1);
    } else if (++i < count) {
      arguments.values_[found->second] = words[i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat(dashed, " needs a value"));
    }
  }
  return arguments;
}

absl::StatusOr<std::int64_t> Arguments::Integer(const std::string& name, std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  if (!absl::SimpleAtoi(Text(name), &value) || value < low || value > high) {
    return absl::InvalidArgumentError(
        absl::StrCat(Dashed(name), " is an integer from ", low, " to ", high, ", not '", Text(name), "'"));
  }
  return value;
}

absl::StatusOr<double> Arguments::Positive(const std::string& name) const {
  double value = 0.0;
  if (!absl::SimpleAtod(Text(name), &value) || !std::isfinite(value) || value <= 0.0) {
    return absl::InvalidArgumentError(absl::StrCat(Dashed(name), " is a number above 0, not '", Text(name), "'"));
  }
  return value;
}

std::string UsageText(const std::string& summary, const std::vector<Flag>& flags) {
  std::string text = summary + "\n";
  for (const Flag& flag : flags) {
    absl::StrAppend(&text, "  ", Dashed(flag.name), " ", flag.value, "  ", flag.help);
    if (!flag.default_value.empty()) absl::StrAppend(&text, " (default ", flag.default_value, ")");
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace headscope::worker
