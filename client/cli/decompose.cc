// headscope decompose: a pattern as a combination of others.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/analysis_flags.h"
#include "client/cli/analysis_json.h"
#include "client/cli/command.h"
#include "client/cli/numbers.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

using client::Decomposition;
using client::PatternReference;

// What is decomposed, and the basis behind it.
absl::StatusOr<std::vector<PatternReference>> ReadTargetAndBasis(const Arguments& arguments) {
  std::vector<std::string> names = arguments.positionals();
  const std::vector<std::string> basis = arguments.List("basis");
  if (basis.empty()) return UsageError("decompose needs --basis P,P,...");
  names.insert(names.end(), basis.begin(), basis.end());
  auto patterns = ReadPatterns(names);
  if (!patterns.ok()) return patterns.status();
  if (absl::Status status = SubtractBase(arguments, *patterns); !status.ok()) return status;
  const auto bases = ReadPatterns(arguments.List("basis-base"));
  if (!bases.ok()) return bases.status();
  if (bases->empty()) return patterns;
  if (!arguments.Has("base")) return UsageError("--basis-base belongs to --base P0, the target's own");
  if (bases->size() != 1 && bases->size() != basis.size()) {
    return UsageError(absl::StrCat("--basis-base: wanted one pattern or as many as in --basis (", basis.size(),
                                   "), found ", bases->size()));
  }
  for (std::size_t i = 0; i < basis.size(); ++i) {
    Subtract((*bases)[bases->size() == 1 ? 0 : i], (*patterns)[i + 1]);
  }
  return patterns;
}

absl::StatusOr<client::DecomposeOptions> ReadOptions(const Arguments& arguments) {
  client::DecomposeOptions options;
  const auto bootstrap = ReadBootstrap(arguments);
  const auto permutation = ReadPermutation(arguments);
  absl::Status status = bootstrap.status();
  status.Update(permutation.status());
  status.Update(arguments.Choice("fit", options.fit));
  // Intervals of a bootstrap are the default of both fits.
  status.Update(arguments.Choice("intervals", options.intervals));
  if (!status.ok()) return status;
  options.bootstrap = *bootstrap;
  options.permutation = *permutation;
  options.intercept = arguments.Has("intercept");
  options.rank_subsets = arguments.Has("subsets");
  options.allow_different_models = arguments.Has("allow-different-models");
  return options;
}

std::string Cell(const std::optional<double>& value) { return value ? ShortNumber(*value) : "-"; }

TextTable Coefficients(const Decomposition& decomposition, bool exact) {
  TextTable table({"basis", "coefficient", "low", "high", "vif"});
  const auto add = [&table, exact](const std::string& name, const client::Coefficient& coefficient,
                                   const std::string& vif) {
    table.AddRow({name, NumberCell(coefficient.value, exact),
                  coefficient.interval ? NumberCell(coefficient.interval->low, exact) : "",
                  coefficient.interval ? NumberCell(coefficient.interval->high, exact) : "", vif});
  };
  const std::vector<std::string> names = NamesOf(decomposition.basis);
  for (std::size_t i = 0; i < decomposition.coefficients.size() && i < names.size(); ++i) {
    add(names[i], decomposition.coefficients[i],
        i < decomposition.vif.size() ? NumberCell(decomposition.vif[i], exact) : "");
  }
  if (decomposition.intercept) add("(intercept)", *decomposition.intercept, "");
  return table;
}

void PrintQuality(std::ostream& out, const Decomposition& decomposition) {
  const client::FitQuality& quality = decomposition.quality;
  out << "R2 centred " << Cell(quality.r2_centred) << ", adjusted " << Cell(quality.r2_adjusted)
      << ", with an intercept " << Cell(decomposition.r2_with_intercept) << "\n";
  if (const auto& null = decomposition.permutation_null) {
    out << "by chance (" << decomposition.permutation.permutations.value_or(0) << " permutations, "
        << client::NameOf(decomposition.permutation.scope) << "): mean " << ShortNumber(null->mean_r2_centred)
        << ", 95 % below " << ShortNumber(null->quantile_95_r2_centred) << ", p = " << ShortNumber(null->p_value)
        << "\n";
  }
  out << "R2 uncentred " << Cell(quality.r2_uncentred)
      << " (high for any two positive patterns; do not report it alone)\n"
      << "condition number " << ShortNumber(decomposition.condition_number) << ", with columns of length 1 "
      << ShortNumber(decomposition.scaled_condition_number) << "; vif above 10: coefficients say little\n";
}

TextTable Subsets(const Decomposition& decomposition) {
  TextTable table({"r2_adjusted", "r2_centred", "members"});
  const std::vector<std::string> names = NamesOf(decomposition.basis);
  for (const client::SubsetFit& subset : decomposition.subsets) {
    std::vector<std::string> members;
    for (const std::uint32_t member : subset.members) members.push_back(names.at(member));
    table.AddRow({Cell(subset.quality.r2_adjusted), Cell(subset.quality.r2_centred), absl::StrJoin(members, " + ")});
  }
  return table;
}

void Print(Session& session, const Decomposition& decomposition, const client::DecomposeOptions& options) {
  if (session.format == Format::kJson) {
    session.out() << Text(DecompositionJson(decomposition, options));
    return;
  }
  if (session.format == Format::kCsv) return Coefficients(decomposition, true).PrintCsv(session.out());
  session.out() << Printable(NameOf(decomposition.target)) << " by " << client::NameOf(options.fit)
                << (options.intercept ? ", with an intercept" : ", without an intercept") << "\n\n";
  Coefficients(decomposition, false).PrintAligned(session.out());
  session.out() << "\n";
  PrintQuality(session.out(), decomposition);
  if (decomposition.subsets.empty()) return;
  session.out() << "\nsubsets of the basis, best first:\n";
  Subsets(decomposition).PrintAligned(session.out());
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto options = ReadOptions(arguments);
  if (!options.ok()) return options.status();
  auto patterns = ReadTargetAndBasis(arguments);
  if (!patterns.ok()) return patterns.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = ApplyReduction(**client, arguments, *patterns); !status.ok()) return status;
  const std::vector<PatternReference> basis(patterns->begin() + 1, patterns->end());
  const auto decomposition = (*client)->DecomposePattern(patterns->front(), basis, *options, session.Hooks());
  if (!decomposition.ok()) return decomposition.status();
  Print(session, *decomposition, *options);
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"basis", "P,P,...", "the patterns to combine"},
      {"basis-base", "P,P,...", "what is subtracted from each of the basis (default: --base), one or as many"},
      {"fit", "ols|nnls", "least squares (default), or with coefficients that are not negative"},
      {"intercept", "", "fit a constant too"},
      {"intervals", "KIND", "bootstrap-heads (default), ols-standard-error, none"},
      {"subsets", "", "also rank all subsets of the basis (at most 12 patterns)"}};
  for (const Flag& flag : BootstrapFlags()) flags.push_back(flag);
  for (const Flag& flag : PermutationFlags("1000")) flags.push_back(flag);
  for (const Flag& flag : PatternFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& DecomposeCommand() {
  static const Command command = {
      "decompose",
      "P",
      1,
      1,
      "a pattern as a combination of others",
      std::string("Fits a pattern by a linear combination of others: coefficients with intervals, how well it fits\n"
                  "beside what chance gives, and how far the basis can be told apart. With --base the changes are\n"
                  "fitted: target less P0 by basis less P0 (or less --basis-base).\n\n") +
          kPatternHelp,
      Flags(),
      {"decompose j-math --basis j-add,j-copy,j-sort --intercept",
       "decompose after.npy --base before.npy --basis a.npy,b.npy --basis-base a0.npy,b0.npy --fit nnls --format json"},
      Run};
  return command;
}

}  // namespace headscope::cli
