#include "proto/support/flags.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace headscope {
namespace {

constexpr char kConfig[] = "config";

// Edits that turn one word into the other.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row[b.size()];
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Text wrapped at `width` columns, every line after the first indented.
std::string Wrap(const std::string& text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::size_t length = end - start;
    if (column != indent && column + 1 + length > width) {
      result += '\n';
      result.append(indent, ' ');
      column = indent;
    }
    if (column != indent) {
      result += ' ';
      ++column;
    }
    result.append(text, start, length);
    column += length;
    start = end + 1;
  }
  return result;
}

}  // namespace

std::string HostPort::ToString() const {
  return absl::StrContains(host, ":") ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

bool HostPort::IsLoopback() const { return host == "localhost" || host == "::1" || absl::StartsWith(host, "127."); }

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Flags::Flags(std::string environment_prefix, std::vector<Flag> table)
    : environment_prefix_(std::move(environment_prefix)), table_(std::move(table)) {
  table_.push_back({kConfig, "FILE", "", "Read further flags from FILE: lines `name = value`, `#` starts a comment."});
}

const Flag* Flags::Find(const std::string& name) const {
  for (const Flag& flag : table_) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::string Flags::VariableOf(const std::string& name) const {
  std::string variable = environment_prefix_;
  for (const char c : name) variable += c == '-' ? '_' : absl::ascii_toupper(c);
  return variable;
}

void Flags::Offer(const std::string& name, std::string text, std::string source) {
  values_.try_emplace(name, Value{std::move(text), std::move(source)});
}

absl::Status Flags::Unknown(const std::string& name, const std::string& where) const {
  const Flag* nearest = nullptr;
  std::size_t best = std::max<std::size_t>(3, name.size() / 3) + 1;
  for (const Flag& flag : table_) {
    const std::size_t distance = Distance(name, flag.name);
    if (distance < best) {
      best = distance;
      nearest = &flag;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      where, ": unknown flag \"", name, "\"",
      nearest == nullptr ? std::string("; --help lists them all") : "; did you mean --" + nearest->name + "?"));
}

absl::Status Flags::ParseArguments(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() < 3 || !absl::StartsWith(argument, "--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("wanted flags such as --name VALUE, found \"", argument, "\"; --help lists them all"));
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Flag* flag = Find(name);
    if (flag == nullptr) return Unknown(name, "command line");
    std::string text;
    if (equals != std::string::npos) {
      text = argument.substr(equals + 1);
    } else if (flag->value.empty()) {
      text = "true";
    } else if (i + 1 < arguments.size()) {
      text = arguments[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, ": wanted ", flag->value, ", found nothing after it"));
    }
    // The last one on the command line counts.
    values_[name] = Value{std::move(text), "--" + name};
  }
  return absl::OkStatus();
}

absl::Status Flags::ParseFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("--config: cannot read ", path));
  std::string line;
  std::map<std::string, Value> found;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = absl::StrCat(path, ":", number);
    const std::string content(absl::StripAsciiWhitespace(line.substr(0, line.find('#'))));
    if (content.empty()) continue;
    const std::size_t equals = content.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": wanted name = value, found \"", content, "\""));
    }
    const std::string name(absl::StripAsciiWhitespace(content.substr(0, equals)));
    if (Find(name) == nullptr || name == kConfig) return Unknown(name, where);
    if (found.count(name) != 0) return absl::InvalidArgumentError(absl::StrCat(where, ": ", name, " stands twice"));
    found[name] = Value{std::string(absl::StripAsciiWhitespace(content.substr(equals + 1))), where};
  }
  for (auto& [name, value] : found) Offer(name, value.text, value.source);
  return absl::OkStatus();
}

absl::Status Flags::Parse(const std::vector<std::string>& arguments, const Environment& environment) {
  const auto given = [&](const char* word) {
    return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
  };
  help_wanted_ = given("--help");
  version_wanted_ = given("--version");
  if (help_wanted_ || version_wanted_) return absl::OkStatus();
  if (absl::Status status = ParseArguments(arguments); !status.ok()) return status;
  for (const Flag& flag : table_) {
    const std::string variable = VariableOf(flag.name);
    if (std::optional<std::string> text = environment(variable)) Offer(flag.name, *std::move(text), variable);
  }
  if (const auto config = values_.find(kConfig); config != values_.end()) return ParseFile(config->second.text);
  return absl::OkStatus();
}

std::string Flags::Help(const std::string& introduction) const {
  std::string text = introduction + "\n\nFlags (command line first, then the variable, then --config FILE):\n";
  for (const Flag& flag : table_) {
    absl::StrAppend(&text, "  --", flag.name, flag.value.empty() ? "" : " " + flag.value, "\n");
    std::string help = flag.help;
    if (!flag.default_value.empty()) absl::StrAppend(&help, " Default: ", flag.default_value, ".");
    absl::StrAppend(&help, " [", VariableOf(flag.name), "]");
    absl::StrAppend(&text, "      ", Wrap(help, 6, 100), "\n");
  }
  return text + "  --help\n      Print this and end.\n  --version\n      Print the version and end.\n";
}

const Flags::Value& Flags::Get(const std::string& name) const {
  static const Value& empty = *new Value;
  const auto found = values_.find(name);
  return found == values_.end() ? empty : found->second;
}

bool Flags::IsSet(const std::string& name) const { return values_.count(name) != 0; }

std::string Flags::Text(const std::string& name) const {
  if (IsSet(name)) return Get(name).text;
  const Flag* flag = Find(name);
  return flag == nullptr ? "" : flag->default_value;
}

absl::Status Flags::Refuse(const std::string& name, const std::string& wanted) const {
  const std::string source = Get(name).source;
  const bool elsewhere = !source.empty() && source != "--" + name;
  return absl::InvalidArgumentError(absl::StrCat("--", name, ": wanted ", wanted, ", found \"", Text(name), "\"",
                                                 elsewhere ? " (from " + source + ")" : ""));
}

absl::StatusOr<bool> Flags::Boolean(const std::string& name) const {
  const std::string text = Text(name);
  if (text == "true" || text == "1") return true;
  if (text.empty() || text == "false" || text == "0") return false;
  return Refuse(name, "true or false");
}

absl::StatusOr<std::int64_t> Flags::Integer(const std::string& name, std::int64_t least, std::int64_t most) const {
  std::int64_t value = 0;
  if (absl::SimpleAtoi(Text(name), &value) && value >= least && value <= most) return value;
  return Refuse(name, absl::StrCat("a whole number from ", least, " to ", most));
}

absl::StatusOr<std::uint64_t> Flags::Bytes(const std::string& name) const {
  const std::string text = Text(name);
  const std::size_t unit_at = text.find_first_not_of("0123456789.");
  const std::string unit = unit_at == std::string::npos ? "" : text.substr(unit_at);
  double factor = 0;
  if (unit.empty() || unit == "B") factor = 1;
  if (unit == "KiB") factor = 1024.0;
  if (unit == "MiB") factor = 1024.0 * 1024;
  if (unit == "GiB") factor = 1024.0 * 1024 * 1024;
  if (unit == "TiB") factor = 1024.0 * 1024 * 1024 * 1024;
  double number = 0;
  if (factor == 0 || !absl::SimpleAtod(text.substr(0, unit_at), &number) || number * factor >= 9e18) {
    return Refuse(name, "a size such as 512MiB or 4GiB (KiB, MiB, GiB, TiB or plain bytes)");
  }
  return static_cast<std::uint64_t>(std::llround(number * factor));
}

absl::StatusOr<absl::Duration> Flags::Duration(const std::string& name) const {
  const std::string text = Text(name);
  absl::Duration value;
  const bool parsed = absl::ParseDuration(IsDigits(text) ? text + "s" : text, &value);
  if (parsed && value >= absl::ZeroDuration() && value != absl::InfiniteDuration()) return value;
  return Refuse(name, "a time such as 5s or 1m30s");
}

absl::StatusOr<HostPort> Flags::Address(const std::string& name) const {
  const std::string text = Text(name);
  const char* wanted = "HOST:PORT with a port from 0 (any free one) to 65535";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return Refuse(name, wanted);
  std::string host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  std::uint32_t port = 0;
  const std::string port_text = text.substr(colon + 1);
  if (!IsDigits(port_text) || !absl::SimpleAtoi(port_text, &port) || port > 65535) return Refuse(name, wanted);
  if (!brackets && absl::StrContains(host, ":")) return Refuse(name, "an IPv6 address in brackets, as in [::1]:50051");
  return HostPort{std::move(host), static_cast<std::uint16_t>(port)};
}

absl::StatusOr<std::string> Flags::Choice(const std::string& name, const std::vector<std::string>& values) const {
  std::string text = Text(name);
  if (std::find(values.begin(), values.end(), text) != values.end()) return text;
  return Refuse(name, "one of " + absl::StrJoin(values, ", "));
}

}  // namespace headscope
