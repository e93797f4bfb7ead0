#include "client/cli/arguments.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace headscope::cli {
namespace {

bool LooksLikeFlag(const std::string& argument) { return argument.size() > 1 && argument[0] == '-'; }

// One flag as written: "--name", "--name=value", "-o".
struct Written {
  const Flag* flag = nullptr;
  // Behind the equals sign.
  std::optional<std::string> value;
};

absl::StatusOr<Written> Recognise(const std::string& argument, const std::vector<Flag>& known) {
  Written written;
  if (!absl::StartsWith(argument, "--")) {
    for (const Flag& flag : known) {
      if (argument.size() == 2 && flag.letter == argument[1]) written.flag = &flag;
    }
    if (written.flag == nullptr) return UsageError(absl::StrCat("unknown flag ", argument));
    return written;
  }
  const std::size_t equals = argument.find('=');
  const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
  if (equals != std::string::npos) written.value = argument.substr(equals + 1);
  std::vector<std::string> names;
  for (const Flag& flag : known) {
    if (flag.name == name) written.flag = &flag;
    names.push_back(absl::StrCat("--", flag.name));
  }
  if (written.flag != nullptr) return written;
  const std::string given = absl::StrCat("--", name);
  return UsageError(absl::StrCat("unknown flag ", given, DidYouMean(given, names)));
}

// Completes `written` from the argument after it; `next` moves past what was used.
absl::Status TakeValue(const std::vector<std::string>& arguments, std::size_t& next, Written& written) {
  const Flag& flag = *written.flag;
  if (flag.value.empty()) {
    if (written.value) return UsageError(absl::StrCat("--", flag.name, " takes no value"));
    written.value = "";
    return absl::OkStatus();
  }
  if (written.value) return absl::OkStatus();
  if (next == arguments.size()) return UsageError(absl::StrCat("--", flag.name, " needs a value: ", flag.value));
  written.value = arguments[next++];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Arguments> Arguments::Parse(const std::vector<std::string>& arguments, const std::vector<Flag>& known) {
  Arguments parsed;
  bool flags_ended = false;
  for (std::size_t next = 0; next < arguments.size();) {
    const std::string& argument = arguments[next++];
    if (!flags_ended && argument == "--") {
      flags_ended = true;
    } else if (flags_ended || !LooksLikeFlag(argument)) {
      parsed.positionals_.push_back(argument);
    } else {
      auto written = Recognise(argument, known);
      if (!written.ok()) return written.status();
      if (absl::Status status = TakeValue(arguments, next, *written); !status.ok()) return status;
      parsed.values_[written->flag->name].push_back(*written->value);
    }
  }
  return parsed;
}

std::optional<std::string> Arguments::Get(const std::string& flag) const {
  const auto found = values_.find(flag);
  if (found == values_.end()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::GetAll(const std::string& flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<std::optional<std::uint64_t>> Arguments::Number(const std::string& flag, std::uint64_t least,
                                                               std::uint64_t most) const {
  const std::optional<std::string> text = Get(flag);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t value = 0;
  const bool digits = !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
  if (digits && absl::SimpleAtoi(*text, &value) && value >= least && value <= most) {
    return std::optional<std::uint64_t>(value);
  }
  return UsageError(
      absl::StrCat("--", flag, ": wanted a whole number from ", least, " to ", most, ", found \"", *text, "\""));
}

absl::StatusOr<std::optional<double>> Arguments::Real(const std::string& flag) const {
  const std::optional<std::string> text = Get(flag);
  if (!text) return std::optional<double>();
  double value = 0;
  if (absl::SimpleAtod(*text, &value) && std::isfinite(value)) return std::optional<double>(value);
  return UsageError(absl::StrCat("--", flag, ": wanted a number, found \"", *text, "\""));
}

std::vector<std::string> Arguments::List(const std::string& flag) const {
  std::vector<std::string> parts;
  for (const std::string& text : GetAll(flag)) {
    for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) parts.emplace_back(part);
  }
  return parts;
}

absl::StatusOr<std::optional<bool>> Arguments::Boolean(const std::string& flag) const {
  const std::optional<std::string> text = Get(flag);
  if (!text) return std::optional<bool>();
  if (*text == "true") return std::optional<bool>(true);
  if (*text == "false") return std::optional<bool>(false);
  return NotOneOf(flag, *text, {"true", "false"});
}

absl::StatusOr<std::map<std::string, std::string>> Arguments::Pairs(const std::string& flag) const {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : GetAll(flag)) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(absl::StrCat("--", flag, ": wanted KEY=VALUE, found \"", text, "\""));
    }
    if (!pairs.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      return UsageError(absl::StrCat("--", flag, ": the key \"", text.substr(0, equals), "\" is given twice"));
    }
  }
  return pairs;
}

absl::Status Arguments::NotOneOf(const std::string& flag, const std::string& text,
                                 const std::vector<std::string>& known) {
  return UsageError(absl::StrCat("--", flag, ": wanted ", absl::StrJoin(known, " or "), ", found \"", text, "\"",
                                 DidYouMean(text, known)));
}

absl::StatusOr<std::optional<std::size_t>> FindCommand(const std::vector<std::string>& arguments,
                                                       const std::vector<Flag>& global) {
  for (std::size_t next = 0; next < arguments.size();) {
    const std::size_t here = next++;
    if (!LooksLikeFlag(arguments[here])) return std::optional<std::size_t>(here);
    auto written = Recognise(arguments[here], global);
    if (!written.ok()) return written.status();
    if (absl::Status status = TakeValue(arguments, next, *written); !status.ok()) return status;
  }
  return std::optional<std::size_t>();
}

}  // namespace headscope::cli
