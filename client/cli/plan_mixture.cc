// headscope plan-mixture: how many samples of each task make a training set.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/analysis_json.h"
#include "client/cli/command.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

using client::MixtureComponent;

// NAME=COEFFICIENT[:FLOOR[:CAP]]
absl::StatusOr<MixtureComponent> ParseComponent(const std::string& text) {
  const absl::Status fault =
      UsageError(absl::StrCat("--component: wanted NAME=COEFFICIENT[:FLOOR[:CAP]], found \"", text, "\""));
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) return fault;
  const std::vector<std::string> numbers = absl::StrSplit(text.substr(equals + 1), ':');
  MixtureComponent component;
  component.name = text.substr(0, equals);
  if (numbers.size() > 3 || !absl::SimpleAtod(numbers[0], &component.coefficient)) return fault;
  if (numbers.size() > 1 && !absl::SimpleAtoi(numbers[1], &component.floor)) return fault;
  std::uint64_t cap = 0;
  if (numbers.size() > 2 && !absl::SimpleAtoi(numbers[2], &cap)) return fault;
  if (numbers.size() > 2) component.cap = cap;
  return component;
}

// Names and coefficients out of what `decompose --format json` printed.
absl::Status ReadDecomposition(const std::string& path, std::vector<MixtureComponent>& components) {
  errno = 0;
  std::ifstream file(path);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is_list = [&json](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_array();
  };
  if (!is_list("basis") || !is_list("coefficients") || json["basis"].size() != json["coefficients"].size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is not what `headscope decompose --format json` prints: \"basis\" and \"coefficients\" are needed"));
  }
  for (std::size_t i = 0; i < json["basis"].size(); ++i) {
    const Json& name = json["basis"][i];
    const Json& coefficient = json["coefficients"][i];
    if (!name.is_string() || !coefficient.is_number()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": entry ", i, " is no name with a coefficient"));
    }
    components.push_back({name.get<std::string>(), coefficient.get<double>(), 0, std::nullopt});
  }
  return absl::OkStatus();
}

// Sets a limit of the component that a K=V pair names.
absl::Status Limit(const Arguments& arguments, const std::string& flag, std::vector<MixtureComponent>& components) {
  const auto pairs = arguments.Pairs(flag);
  if (!pairs.ok()) return pairs.status();
  for (const auto& [name, text] : *pairs) {
    std::uint64_t number = 0;
    if (!absl::SimpleAtoi(text, &number)) {
      return UsageError(absl::StrCat("--", flag, ": wanted NAME=N, found \"", name, "=", text, "\""));
    }
    bool found = false;
    for (MixtureComponent& component : components) {
      if (component.name != name) continue;
      found = true;
      if (flag == "floor") component.floor = number;
      if (flag == "cap") component.cap = number;
    }
    if (!found) return UsageError(absl::StrCat("--", flag, ": there is no component \"", name, "\""));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MixtureComponent>> ReadComponents(const Arguments& arguments) {
  std::vector<MixtureComponent> components;
  for (const std::string& text : arguments.GetAll("component")) {
    absl::StatusOr<MixtureComponent> component = ParseComponent(text);
    if (!component.ok()) return component.status();
    components.push_back(*std::move(component));
  }
  if (const auto path = arguments.Get("from")) {
    if (absl::Status status = ReadDecomposition(*path, components); !status.ok()) return status;
  }
  std::set<std::string> names;
  for (const MixtureComponent& component : components) {
    if (names.insert(component.name).second) continue;
    return UsageError(
        absl::StrCat("the component \"", component.name, "\" is given twice; each needs a name of its own"));
  }
  if (components.empty()) return UsageError("plan-mixture needs --component NAME=COEFFICIENT, or --from FILE");
  for (const char* flag : {"floor", "cap"}) {
    if (absl::Status status = Limit(arguments, flag, components); !status.ok()) return status;
  }
  return components;
}

std::string Notes(const client::MixtureShare& share) {
  std::string notes;
  const auto add = [&notes](bool holds, const char* note) {
    if (holds) absl::StrAppend(&notes, notes.empty() ? "" : ", ", note);
  };
  add(share.clipped, "negative coefficient counts as 0");
  add(share.at_floor, "at its floor");
  add(share.at_cap, "at its cap");
  return notes;
}

void Print(Session& session, const std::vector<client::MixtureShare>& shares, std::uint64_t budget) {
  if (session.format == Format::kJson) {
    session.out() << Text(MixtureJson(shares, budget));
    return;
  }
  const bool exact = session.format == Format::kCsv;
  TextTable table({"name", "samples", "share", "exact", "notes"});
  for (const client::MixtureShare& share : shares) {
    table.AddRow({share.name, absl::StrCat(share.samples), NumberCell(share.share, exact),
                  NumberCell(share.exact, exact), Notes(share)});
  }
  if (session.format == Format::kCsv) return table.PrintCsv(session.out());
  table.PrintAligned(session.out());
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto budget = arguments.Number("budget", 1, 1'000'000'000'000);
  if (!budget.ok()) return budget.status();
  if (!*budget) return UsageError("plan-mixture needs --budget N");
  const auto components = ReadComponents(arguments);
  if (!components.ok()) return components.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto shares = (*client)->PlanMixture(*components, **budget);
  if (!shares.ok()) return shares.status();
  Print(session, *shares, **budget);
  return kDone;
}

}  // namespace

const Command& PlanMixtureCommand() {
  static const Command command = {
      "plan-mixture",
      "",
      0,
      0,
      "how many samples of each task, by a decomposition's coefficients",
      "Divides a budget of samples among tasks in proportion to their coefficients, within floors and caps, by the\n"
      "method of largest remainders: the counts sum to the budget. A negative coefficient counts as 0, and is said.",
      {{"budget", "N", "samples in all"},
       {"component", "NAME=C[:FLOOR[:CAP]]", "a task, its coefficient, least and most samples; may be repeated"},
       {"from", "FILE.json", "tasks and coefficients as `decompose --format json` printed them"},
       {"floor", "NAME=N", "least samples of a task (default 0); may be repeated"},
       {"cap", "NAME=N", "most samples of a task: what there is (default: no limit); may be repeated"}},
      {"plan-mixture --budget 1000 --component add=0.7 --component copy=0.2:50 --component sort=0.4:0:300",
       "plan-mixture --budget 1000 --from decomposition.json --cap p-0h3kq8z1v5m2n4p7=200"},
      Run};
  return command;
}

}  // namespace headscope::cli
