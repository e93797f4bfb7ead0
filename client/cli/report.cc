// headscope report: patterns and what is computed from them, as one HTML file.
#include "client/report/report.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/analysis_flags.h"
#include "client/cli/command.h"
#include "client/cli/option_flags.h"
#include "client/cli/output_file.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/report_contents.h"

namespace headscope::cli {
namespace {

// A page of more would be hard to read, and its similarity matrices large.
constexpr std::size_t kMaxPatterns = 64;

absl::StatusOr<std::vector<NamedPattern>> ReadNamed(const std::vector<std::string>& arguments) {
  std::vector<NamedPattern> patterns;
  for (const std::string& argument : arguments) {
    auto reference = ReadPattern(argument);
    if (!reference.ok()) return reference.status();
    patterns.push_back({argument, "", *std::move(reference)});
  }
  return patterns;
}

absl::Status ReadLabels(const Arguments& arguments, std::vector<NamedPattern>& patterns) {
  const std::vector<std::string> labels = arguments.List("label");
  if (labels.empty()) return absl::OkStatus();
  if (labels.size() != patterns.size()) {
    return UsageError(
        absl::StrCat("--label: wanted one for each of ", patterns.size(), " patterns, found ", labels.size()));
  }
  for (std::size_t index = 0; index < labels.size(); ++index) patterns[index].label = labels[index];
  return absl::OkStatus();
}

// A base that is none of the patterns goes before them.
absl::Status ReadBase(const Arguments& arguments, ReportRequest& request) {
  const std::optional<std::string> base = arguments.Get("base");
  if (!base) return absl::OkStatus();
  for (std::size_t index = 0; index < request.patterns.size(); ++index) {
    if (request.patterns[index].argument != *base) continue;
    request.base = index;
    return absl::OkStatus();
  }
  auto pattern = ReadNamed({*base});
  if (!pattern.ok()) return pattern.status();
  request.patterns.insert(request.patterns.begin(), pattern->front());
  if (request.patterns.size() > kMaxPatterns) {
    return UsageError(absl::StrCat("at most ", kMaxPatterns, " patterns fit into a report, found ",
                                   request.patterns.size(), " with the base; name fewer"));
  }
  return absl::OkStatus();
}

absl::Status ReadDecompose(const Arguments& arguments, ReportRequest& request) {
  const std::vector<std::string> targets = arguments.List("decompose");
  const std::vector<std::string> basis = arguments.List("basis");
  if (targets.empty() != basis.empty()) return UsageError("--decompose TARGET and --basis P,P,... belong together");
  if (targets.empty()) {
    for (const char* flag : {"fit", "intercept", "subsets"}) {
      if (arguments.Has(flag)) return UsageError(absl::StrCat("--", flag, " belongs to --decompose TARGET"));
    }
    return absl::OkStatus();
  }
  DecomposeRequest& decompose = request.decompose.emplace();
  auto target_patterns = ReadNamed(targets);
  if (!target_patterns.ok()) return target_patterns.status();
  auto basis_patterns = ReadNamed(basis);
  if (!basis_patterns.ok()) return basis_patterns.status();
  decompose.targets = *std::move(target_patterns);
  decompose.basis = *std::move(basis_patterns);
  if (arguments.Has("base")) decompose.base = request.patterns[request.base];
  decompose.options.intercept = arguments.Has("intercept");
  decompose.options.rank_subsets = arguments.Has("subsets");
  return arguments.Choice("fit", decompose.options.fit);
}

// Resampling and permutations of every analysis.
absl::Status ReadChance(const Arguments& arguments, ReportRequest& request) {
  const auto bootstrap = ReadBootstrap(arguments);
  const auto permutation = ReadPermutation(arguments);
  absl::Status status = bootstrap.status();
  status.Update(permutation.status());
  status.Update(arguments.Choice("intervals", request.compare.resampled_unit));
  if (!status.ok()) return status;
  request.describe.bootstrap = *bootstrap;
  if (arguments.Has("intervals")) request.compare.bootstrap = *bootstrap;
  if (arguments.Has("permutations") || arguments.Has("shuffle")) request.compare.permutation = *permutation;
  if (request.decompose) {
    request.decompose->options.bootstrap = *bootstrap;
    request.decompose->options.permutation = *permutation;
  }
  return absl::OkStatus();
}

void AllowDifferentModels(ReportRequest& request) {
  request.describe.allow_different_models = true;
  request.compare.allow_different_models = true;
  if (request.track) request.track->allow_different_models = true;
  if (request.decompose) request.decompose->options.allow_different_models = true;
}

absl::StatusOr<ReportRequest> ReadRequest(const Arguments& arguments) {
  ReportRequest request;
  request.title = arguments.Get("title").value_or("Patterns of attention heads");
  auto patterns = ReadNamed(arguments.positionals());
  if (!patterns.ok()) return patterns.status();
  request.patterns = *std::move(patterns);
  absl::Status status = ReadLabels(arguments, request.patterns);
  status.Update(arguments.Choice("head-order", request.describe.head_order));
  if (status.ok()) status = ReadBase(arguments, request);
  if (status.ok()) status = ReadDecompose(arguments, request);
  if (status.ok()) status = ReadChance(arguments, request);
  if (!status.ok()) return status;
  request.compare.head_order = request.describe.head_order;
  request.describe.magnitudes = arguments.Has("magnitudes");
  if (arguments.Has("track")) request.track = client::TrackOptions{0, request.describe.magnitudes, false};
  if (arguments.Has("allow-different-models")) AllowDifferentModels(request);
  return request;
}

absl::Status Reduce(client::Client& client, const Arguments& arguments, std::vector<NamedPattern>& patterns) {
  for (NamedPattern& pattern : patterns) {
    std::vector<client::PatternReference> reference = {pattern.reference};
    if (absl::Status status = ApplyReduction(client, arguments, reference); !status.ok()) return status;
    pattern.reference = reference.front();
  }
  return absl::OkStatus();
}

absl::Status ReduceAll(client::Client& client, const Arguments& arguments, ReportRequest& request) {
  absl::Status status = Reduce(client, arguments, request.patterns);
  if (!status.ok() || !request.decompose) return status;
  status = Reduce(client, arguments, request.decompose->targets);
  if (status.ok()) status = Reduce(client, arguments, request.decompose->basis);
  if (request.decompose->base) request.decompose->base = request.patterns[request.base];
  return status;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const std::string path = arguments.Get("output").value_or("");
  if (path.empty()) return UsageError("report needs -o FILE.html");
  if (absl::Status status = CheckWritable(path); !status.ok()) return status;
  // Mistakes in flags are found before the server is asked.
  if (const auto flags = ReadReduction(arguments, {}); !flags.ok()) return flags.status();
  auto request = ReadRequest(arguments);
  if (!request.ok()) return request.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = ReduceAll(**client, arguments, *request); !status.ok()) return status;
  const auto contents = FetchReport(session, **client, *request);
  if (!contents.ok()) return contents.status();
  if (absl::Status status = WriteFile(path, report::WriteReport(*contents)); !status.ok()) return status;
  session.err() << "headscope: wrote " << path << "\n";
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"output", "FILE", "the file to write", 'o'},
      {"title", "TEXT", "of the page (default \"Patterns of attention heads\")"},
      {"label", "L,L,...",
       "how the patterns are called, one each (default: by their labels); ascending numbers space trajectories"},
      {"base", "P",
       "pattern that differences are taken from (default: the first), and decompositions: then changes are fitted"},
      {"track", "", "trajectories along the patterns, in their order"},
      {"decompose", "TARGET,...", "patterns to fit by --basis"},
      {"basis", "P,P,...", "the patterns to combine"},
      {"fit", "ols|nnls", "least squares (default), or with coefficients that are not negative"},
      {"intercept", "", "fit a constant too"},
      {"subsets", "", "also rank all subsets of the basis (at most 12 patterns)"},
      {"head-order", "ORDER", "which heads come first: value (default), or magnitude for signed patterns"},
      {"magnitudes", "", "dispersion of |x| instead of x: Gini and entropy of a signed pattern need it"},
      {"intervals", "UNIT", "intervals of similarities too, by resampled heads or samples (default none)"},
      {"allow-different-models", "", "also with patterns of models of another architecture"}};
  for (const Flag& flag : BootstrapFlags()) flags.push_back(flag);
  for (const Flag& flag : PermutationFlags("1000 of decompositions, 0 of similarities")) flags.push_back(flag);
  for (const Flag& flag : ReductionFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& ReportCommand() {
  static const Command command = {
      "report",
      "P...",
      1,
      kMaxPatterns,
      "patterns and their analyses as one HTML file",
      std::string(
          "Writes one HTML file that needs nothing else: it opens from disk without a network, in light and\n"
          "dark, and prints. Head maps of all patterns on one colour scale, differences, dispersion,\n"
          "similarity, and when asked for trajectories and decompositions; numbers as tables; provenance.\n\n") +
          kPatternHelp,
      Flags(),
      {"report j-add j-copy j-sort -o tasks.html",
       "report step-0.npy step-100.npy step-400.npy --label 0,100,400 --track -o run.html",
       "report j-base j-math --base j-base --decompose j-math --basis j-add,j-copy --intercept -o math.html"},
      Run};
  return command;
}

}  // namespace headscope::cli
