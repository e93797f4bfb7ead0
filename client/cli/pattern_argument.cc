#include "client/cli/pattern_argument.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/option_flags.h"
#include "client/cli/pattern_file.h"

namespace headscope::cli {
namespace {

// The job that a stored pattern would be of; an imported one's id names none.
std::string JobOf(const std::string& name) {
  const std::string id = name.substr(name.find('/') + 1);
  return absl::StartsWith(id, "p-") ? absl::StrCat("j-", id.substr(2)) : id;
}

// `pattern` with the reduction of its job, changed by the flags.
absl::StatusOr<client::PatternReference> Reduced(client::Client& client, const Arguments& arguments,
                                                 client::PatternReference pattern) {
  if (!pattern.name.empty()) {
    client::ReductionOptions base;
    if (const auto job = client.GetJob(JobOf(pattern.name)); job.ok()) {
      base = job->spec.reduction;
    } else if (!absl::IsNotFound(job.status())) {
      return job.status();
    }
    const auto reduction = ReadReduction(arguments, base);
    if (!reduction.ok()) return reduction.status();
    pattern.reduction = *reduction;
  }
  if (pattern.minus == nullptr) return pattern;
  auto minus = Reduced(client, arguments, *pattern.minus);
  if (!minus.ok()) return minus.status();
  pattern.minus = std::make_shared<client::PatternReference>(*std::move(minus));
  return pattern;
}

}  // namespace

const char kPatternHelp[] =
    "A pattern P is a job's id, a pattern's id, or a local file: .npy [layers, heads], .json as `result` and\n"
    "`export` print it (or plain [[...]]), .csv with layer,head,value. Reduction flags say how the stored scores\n"
    "of jobs are read; flags that are not given are the job's own; files are taken as they are.";

std::vector<Flag> PatternFlags() {
  std::vector<Flag> flags = {{"base", "P", "pattern to subtract from each: the change from P (default: none)"},
                             {"allow-different-models", "", "also with patterns of models of another architecture"}};
  for (const Flag& flag : ReductionFlags()) flags.push_back(flag);
  return flags;
}

absl::StatusOr<client::PatternReference> ReadPattern(const std::string& argument) {
  client::PatternReference reference;
  if (!NamesPatternFile(argument)) {
    reference.name = argument;
    return reference;
  }
  absl::StatusOr<client::InlinePattern> file = ReadPatternFile(argument);
  if (!file.ok()) return file.status();
  reference.matrix = *std::move(file);
  return reference;
}

absl::StatusOr<std::vector<client::PatternReference>> ReadPatterns(const std::vector<std::string>& arguments) {
  std::vector<client::PatternReference> patterns;
  for (const std::string& argument : arguments) {
    absl::StatusOr<client::PatternReference> pattern = ReadPattern(argument);
    if (!pattern.ok()) return pattern.status();
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

void Subtract(const client::PatternReference& base, client::PatternReference& pattern) {
  pattern.minus = std::make_shared<client::PatternReference>(base);
}

absl::Status SubtractBase(const Arguments& arguments, std::vector<client::PatternReference>& patterns) {
  const std::optional<std::string> argument = arguments.Get("base");
  if (!argument) return absl::OkStatus();
  const absl::StatusOr<client::PatternReference> base = ReadPattern(*argument);
  if (!base.ok()) return base.status();
  for (client::PatternReference& pattern : patterns) Subtract(*base, pattern);
  return absl::OkStatus();
}

absl::Status ApplyReduction(client::Client& client, const Arguments& arguments,
                            std::vector<client::PatternReference>& patterns) {
  if (!HasReductionFlags(arguments)) return absl::OkStatus();
  // Mistakes in flags are found whether or not a pattern is stored.
  if (const auto flags = ReadReduction(arguments, {}); !flags.ok()) return flags.status();
  for (client::PatternReference& pattern : patterns) {
    absl::StatusOr<client::PatternReference> reduced = Reduced(client, arguments, std::move(pattern));
    if (!reduced.ok()) return reduced.status();
    pattern = *std::move(reduced);
  }
  return absl::OkStatus();
}

std::string NameOf(const client::PatternIdentity& pattern) {
  const std::string name = pattern.id.empty() ? pattern.display_name : pattern.id;
  return pattern.minus == nullptr ? name : absl::StrCat(name, " - ", NameOf(*pattern.minus));
}

std::vector<std::string> NamesOf(const std::vector<client::PatternIdentity>& patterns) {
  std::vector<std::string> names;
  for (const client::PatternIdentity& pattern : patterns) names.push_back(NameOf(pattern));
  return names;
}

absl::StatusOr<client::Pattern> FetchPattern(client::Client& client, const client::PatternReference& reference) {
  if (!reference.matrix) return client.GetPattern(reference.name, reference.reduction);
  client::Pattern pattern;
  pattern.values = reference.matrix->values;
  pattern.standard_error = reference.matrix->standard_error;
  pattern.display_name = reference.matrix->label;
  pattern.layers = static_cast<std::uint32_t>(pattern.values.rows);
  pattern.heads = static_cast<std::uint32_t>(pattern.values.columns);
  return pattern;
}

}  // namespace headscope::cli
