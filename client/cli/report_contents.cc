#include "client/cli/report_contents.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/numbers.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/provenance_lines.h"

namespace headscope::cli {
namespace {

using client::Pattern;
using client::PatternReference;
using report::LabelledPattern;
using report::Report;

// "step-200" of "runs/step-200.npy", the id of "patterns/p-1".
std::string ShortArgument(const std::string& argument) {
  const std::string name = argument.substr(argument.rfind('/') + 1);
  const std::size_t point = name.rfind('.');
  return point == std::string::npos || point == 0 ? name : name.substr(0, point);
}

// By the labels that are used by convention: "add, step 200".
std::string ConventionalLabel(const std::map<std::string, std::string>& labels) {
  std::vector<std::string> parts;
  for (const char* key : {"task", "checkpoint", "step", "samples"}) {
    const auto label = labels.find(key);
    if (label == labels.end()) continue;
    const bool needs_key = label->first == "step" || label->first == "samples";
    parts.push_back(needs_key ? absl::StrCat(key, " ", label->second) : label->second);
  }
  return absl::StrJoin(parts, ", ");
}

std::string LabelOf(const NamedPattern& named, const Pattern& pattern) {
  if (!named.label.empty()) return named.label;
  // A file's display name is its path.
  if (!named.reference.matrix && !pattern.display_name.empty()) return pattern.display_name;
  const std::string label = ConventionalLabel(pattern.labels);
  return label.empty() ? ShortArgument(named.argument) : label;
}

// Patterns that would be called the same are told apart by what the user called them.
void MakeUnique(const std::vector<NamedPattern>& named, std::vector<LabelledPattern>& patterns) {
  std::map<std::string, int> uses;
  for (const LabelledPattern& pattern : patterns) ++uses[pattern.label];
  for (std::size_t index = 0; index < patterns.size(); ++index) {
    std::string& label = patterns[index].label;
    if (uses[label] > 1) absl::StrAppend(&label, " (", named[index].argument, ")");
  }
}

std::string Subtitle(const Pattern& pattern, const PatternReference& reference) {
  std::vector<std::string> parts;
  const std::string& model = reference.matrix ? reference.matrix->model.name : pattern.provenance.model;
  if (!model.empty()) parts.push_back(model);
  if (pattern.samples_scored > 0) parts.push_back(Count(pattern.samples_scored, "sample"));
  return absl::StrJoin(parts, ", ");
}

absl::StatusOr<LabelledPattern> FetchOne(client::Client& client, const NamedPattern& named,
                                         const client::DescribeOptions& options) {
  const auto pattern = FetchPattern(client, named.reference);
  if (!pattern.ok()) return pattern.status();
  auto description = client.DescribePattern(named.reference, options);
  if (!description.ok()) return description.status();
  return LabelledPattern{LabelOf(named, *pattern), Subtitle(*pattern, named.reference),        pattern->values,
                         pattern->standard_error,  ProvenanceLines(*pattern, named.reference), *std::move(description)};
}

std::string Shape(const client::Matrix& matrix) { return absl::StrCat(matrix.rows, " x ", matrix.columns); }

absl::Status CheckShapes(const std::vector<LabelledPattern>& patterns) {
  const client::Matrix& first = patterns.front().values;
  for (const LabelledPattern& pattern : patterns) {
    if (pattern.values.rows == first.rows && pattern.values.columns == first.columns) continue;
    return absl::InvalidArgumentError(absl::StrCat("patterns of one report have one shape; ", patterns.front().label,
                                                   " has ", Shape(first), ", ", pattern.label, " has ",
                                                   Shape(pattern.values)));
  }
  return absl::OkStatus();
}

absl::Status FetchPatterns(Session& session, client::Client& client, const ReportRequest& request, Report& report) {
  for (const NamedPattern& named : request.patterns) {
    if (session.interrupted()) return absl::CancelledError("interrupted");
    auto pattern = FetchOne(client, named, request.describe);
    if (!pattern.ok()) return pattern.status();
    report.patterns.push_back(*std::move(pattern));
  }
  MakeUnique(request.patterns, report.patterns);
  return CheckShapes(report.patterns);
}

std::vector<PatternReference> References(const std::vector<NamedPattern>& patterns) {
  std::vector<PatternReference> references;
  for (const NamedPattern& named : patterns) references.push_back(named.reference);
  return references;
}

// An answer about another number of patterns than was asked for.
absl::Status CheckCount(const char* answer, std::size_t found, std::size_t wanted) {
  if (found == wanted) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(answer, ": asked about ", wanted, " patterns, answered about ", found));
}

absl::Status Compare(Session& session, client::Client& client, const ReportRequest& request, Report& report) {
  if (request.patterns.size() < 2) return absl::OkStatus();
  if (request.compare.bootstrap || request.compare.permutation) {
    session.err() << "headscope: similarities of " << Count(request.patterns.size(), "pattern")
                  << " with intervals or tests may take minutes\n";
  }
  auto comparison = client.ComparePatterns(References(request.patterns), request.compare, session.Hooks());
  if (!comparison.ok()) return comparison.status();
  report.comparison = *std::move(comparison);
  return CheckCount("similarity", report.comparison->patterns.size(), report.patterns.size());
}

absl::Status Track(client::Client& client, const ReportRequest& request, Report& report) {
  if (!request.track) return absl::OkStatus();
  auto track = client.TrackPatterns(References(request.patterns), *request.track);
  if (!track.ok()) return track.status();
  report.track = *std::move(track);
  return CheckCount("trajectories", report.track.size(), report.patterns.size());
}

// As the same pattern is called elsewhere in the report.
std::string LabelIn(const ReportRequest& request, const Report& report, const NamedPattern& named) {
  for (std::size_t index = 0; index < request.patterns.size(); ++index) {
    if (request.patterns[index].argument == named.argument) return report.patterns[index].label;
  }
  return ShortArgument(named.argument);
}

absl::Status Decompose(client::Client& client, const ReportRequest& request, Report& report) {
  if (!request.decompose) return absl::OkStatus();
  const DecomposeRequest& decompose = *request.decompose;
  const auto changed = [&decompose](PatternReference reference) {
    if (decompose.base) Subtract(decompose.base->reference, reference);
    return reference;
  };
  const auto label = [&](const NamedPattern& named) {
    const std::string own = LabelIn(request, report, named);
    return decompose.base ? absl::StrCat(own, " − ", LabelIn(request, report, *decompose.base)) : own;
  };
  std::vector<PatternReference> basis = References(decompose.basis);
  std::ranges::transform(basis, basis.begin(), changed);
  for (const NamedPattern& target : decompose.targets) {
    auto decomposition = client.DecomposePattern(changed(target.reference), basis, decompose.options);
    if (!decomposition.ok()) return decomposition.status();
    const std::size_t coefficients = decomposition->coefficients.size();
    if (absl::Status status = CheckCount("decomposition", coefficients, basis.size()); !status.ok()) return status;
    report::LabelledDecomposition labelled{label(target), {}, decompose.options.fit, *std::move(decomposition)};
    for (const NamedPattern& member : decompose.basis) labelled.basis.push_back(label(member));
    report.decompositions.push_back(std::move(labelled));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> FetchReport(Session& session, client::Client& client, const ReportRequest& request) {
  Report report;
  report.title = request.title;
  report.base = request.base;
  absl::Status status = FetchPatterns(session, client, request, report);
  if (status.ok()) status = Compare(session, client, request, report);
  if (status.ok()) status = Track(client, request, report);
  if (status.ok()) status = Decompose(client, request, report);
  if (!status.ok()) return status;
  return report;
}

}  // namespace headscope::cli
