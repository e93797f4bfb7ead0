// headscope compare: how alike patterns are.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/analysis_flags.h"
#include "client/cli/analysis_json.h"
#include "client/cli/command.h"
#include "client/cli/comparison_output.h"
#include "client/cli/numbers.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/text_table.h"
#include "proto/support/limits.h"

namespace headscope::cli {
namespace {

using client::Comparison;
using client::Measure;

// --intervals names what is drawn; --resamples, --level alone mean heads.
absl::Status ReadIntervals(const Arguments& arguments, client::CompareOptions& options) {
  const auto bootstrap = ReadBootstrap(arguments);
  if (!bootstrap.ok()) return bootstrap.status();
  if (absl::Status status = arguments.Choice("intervals", options.resampled_unit); !status.ok()) return status;
  if (arguments.Has("intervals") || arguments.Has("resamples") || arguments.Has("level")) {
    options.bootstrap = *bootstrap;
  }
  const auto permutation = ReadPermutation(arguments);
  if (!permutation.ok()) return permutation.status();
  if (arguments.Has("permutations") || arguments.Has("shuffle")) options.permutation = *permutation;
  return absl::OkStatus();
}

absl::StatusOr<client::CompareOptions> ReadOptions(const Arguments& arguments) {
  client::CompareOptions options;
  const auto top_k = arguments.Number("top-k", 1, kMaxPatternValues);
  const auto rbo_p = arguments.Real("rbo-p");
  absl::Status status = top_k.status();
  status.Update(rbo_p.status());
  status.Update(ReadMeasures(arguments, options));
  status.Update(ReadIntervals(arguments, options));
  status.Update(arguments.Choice("head-order", options.head_order));
  if (!status.ok()) return status;
  if (*top_k) options.top_k = static_cast<std::uint32_t>(**top_k);
  options.rbo_p = *rbo_p;
  options.allow_different_models = arguments.Has("allow-different-models");
  return options;
}

std::string Cell(const std::optional<client::Matrix>& matrix, std::size_t row, std::size_t column, bool exact) {
  return matrix ? NumberCell(matrix->At(row, column), exact) : "";
}

// Every pair with every measure in a row of its own.
TextTable Pairs(const Comparison& comparison) {
  TextTable table({"first", "second", "measure", "layer means", "value", "low", "high", "p_value"});
  const std::vector<std::string> names = NamesOf(comparison.patterns);
  for (std::size_t row = 0; row < names.size(); ++row) {
    for (std::size_t column = row + 1; column < names.size(); ++column) {
      for (const auto& [key, matrices] : comparison.measures) {
        table.AddRow({names[row], names[column], KeyOf(key.first), key.second ? "removed" : "kept",
                      NumberCell(matrices.values.At(row, column), true), Cell(matrices.low, row, column, true),
                      Cell(matrices.high, row, column, true), Cell(matrices.p_values, row, column, true)});
      }
    }
  }
  return table;
}

// The measures of two patterns, those without the means of layers beside those with them.
TextTable Two(const Comparison& comparison) {
  TextTable table({"measure", "layer means", "value", "low", "high", "p_value", "by chance"});
  for (const auto& [key, matrices] : comparison.measures) {
    std::string chance;
    if (key.first == Measure::kTopKOverlap) chance = ShortNumber(comparison.top_k_overlap_by_chance);
    if (key.first == Measure::kTopKJaccard) chance = ShortNumber(comparison.top_k_jaccard_by_chance);
    table.AddRow({KeyOf(key.first), key.second ? "removed" : "kept", NumberCell(matrices.values.At(0, 1), false),
                  Cell(matrices.low, 0, 1, false), Cell(matrices.high, 0, 1, false),
                  Cell(matrices.p_values, 0, 1, false), chance});
  }
  return table;
}

void PrintMany(Session& session, const Comparison& comparison) {
  std::vector<std::string> names = NamesOf(comparison.patterns);
  for (std::size_t i = 0; i < names.size(); ++i) absl::StrAppend(&names[i], "  ", comparison.patterns[i].model);
  PrintMatrices(session.out(), comparison, names);
}

void Print(Session& session, const Comparison& comparison) {
  if (session.format == Format::kJson) {
    session.out() << Text(ComparisonJson(comparison));
  } else if (session.format == Format::kCsv) {
    Pairs(comparison).PrintCsv(session.out());
  } else if (comparison.patterns.size() > 2) {
    PrintMany(session, comparison);
  } else {
    session.out() << Printable(absl::StrJoin(NamesOf(comparison.patterns), " and ")) << ": " << comparison.layers
                  << " layers, " << comparison.heads << " heads; top k of " << comparison.top_k << "\n\n";
    Two(comparison).PrintAligned(session.out());
  }
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto options = ReadOptions(arguments);
  if (!options.ok()) return options.status();
  auto patterns = ReadPatterns(arguments.positionals());
  if (!patterns.ok()) return patterns.status();
  if (absl::Status status = SubtractBase(arguments, *patterns); !status.ok()) return status;
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = ApplyReduction(**client, arguments, *patterns); !status.ok()) return status;
  const auto comparison = (*client)->ComparePatterns(*patterns, *options, session.Hooks());
  if (!comparison.ok()) return comparison.status();
  Print(session, *comparison);
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = MeasureFlags("all");
  const std::vector<Flag> more = {
      {"top-k", "K", "heads of the top-k measures (default a tenth)"},
      {"rbo-p", "P", "persistence of rbo (default 0.9)"},
      {"head-order", "ORDER", "of the top-k measures and rbo: value (default), magnitude"},
      {"intervals", "UNIT", "bootstrap intervals over heads (within layers) or each job's samples (default none)"}};
  flags.insert(flags.end(), more.begin(), more.end());
  for (const Flag& flag : BootstrapFlags()) flags.push_back(flag);
  for (const Flag& flag : PermutationFlags("0; 1000 with --shuffle")) flags.push_back(flag);
  for (const Flag& flag : PatternFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& CompareCommand() {
  static const Command command = {
      "compare",
      "P P...",
      2,
      kMaxComparedPatterns,
      "how alike two or many patterns are",
      std::string(
          "Compares every pattern with every other: correlations, cosine, mean squared difference, overlap of\n"
          "the first heads, rank-biased overlap; each with the means of layers kept and removed. Intervals and\n"
          "p-values on request. JSON has an n x n matrix for every measure.\n\n") +
          kPatternHelp,
      Flags(),
      {"compare j-0h3kq8z1v5m2n4p7 j-7c1m9d4s2x8b6f3t", "compare before.npy after.npy --measure pearson,mse",
       "compare j-... j-... j-... --base j-base --intervals samples --permutations 1000 --format json"},
      Run};
  return command;
}

}  // namespace headscope::cli
