// headscope describe: how a pattern is spread over the heads.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/analysis_flags.h"
#include "client/cli/analysis_json.h"
#include "client/cli/command.h"
#include "client/cli/numbers.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

constexpr std::uint64_t kMaxTop = 1000;

absl::StatusOr<client::DescribeOptions> ReadOptions(const Arguments& arguments) {
  client::DescribeOptions options;
  const auto ddof = arguments.Number("ddof", 0, 1);
  const auto top = arguments.Number("top", 0, kMaxTop);
  const auto bootstrap = ReadBootstrap(arguments);
  absl::Status status = ddof.status();
  status.Update(top.status());
  status.Update(bootstrap.status());
  status.Update(arguments.Choice("head-order", options.head_order));
  if (!status.ok()) return status;
  options.ddof = static_cast<std::uint32_t>(ddof->value_or(options.ddof));
  options.top = static_cast<std::uint32_t>(top->value_or(options.top));
  options.bootstrap = *bootstrap;
  options.magnitudes = arguments.Has("magnitudes");
  options.allow_different_models = arguments.Has("allow-different-models");
  return options;
}

TextTable Quantities(const client::Description& description, bool exact) {
  TextTable table({"quantity", "value", "low", "high"});
  const auto add = [&table, exact](const std::string& name, const client::Estimate& estimate) {
    table.AddRow({name, NumberCell(estimate.value, exact),
                  estimate.interval ? NumberCell(estimate.interval->low, exact) : "",
                  estimate.interval ? NumberCell(estimate.interval->high, exact) : ""});
  };
  const client::Dispersion& dispersion = description.dispersion;
  add("gini", dispersion.gini);
  add("cv", dispersion.cv);
  add("kurtosis_fisher", dispersion.kurtosis_fisher);
  add("kurtosis_pearson", dispersion.kurtosis_pearson);
  add("entropy", dispersion.entropy);
  add("effective_heads", dispersion.effective_heads);
  add("total", description.total);
  for (std::size_t layer = 0; layer < description.layer_totals.size(); ++layer) {
    add(absl::StrCat("layer ", layer), description.layer_totals[layer]);
  }
  return table;
}

TextTable Heads(const client::Description& description) {
  TextTable table({"layer", "head", "value", "standard error", "low", "high", "stability"});
  for (const client::TopHead& head : description.top_heads) {
    table.AddRow({absl::StrCat(head.layer), absl::StrCat(head.head), ShortNumber(head.value),
                  head.standard_error ? ShortNumber(*head.standard_error) : "",
                  head.interval ? ShortNumber(head.interval->low) : "",
                  head.interval ? ShortNumber(head.interval->high) : "",
                  head.stability ? ShortNumber(*head.stability) : ""});
  }
  return table;
}

void Print(Session& session, const client::Description& description, const client::DescribeOptions& options) {
  if (session.format == Format::kJson) {
    session.out() << Text(DescriptionJson(description, options));
    return;
  }
  if (session.format == Format::kCsv) return Quantities(description, true).PrintCsv(session.out());
  session.out() << "pattern " << Printable(NameOf(description.pattern)) << ": " << description.layers << " layers, "
                << description.heads << " heads";
  const client::Bootstrap& bootstrap = description.bootstrap;
  if (bootstrap.resamples.value_or(0) > 0) {
    session.out() << "; intervals of level " << ShortNumber(bootstrap.level.value_or(0)) << " over "
                  << *bootstrap.resamples << " resamples of its samples";
  }
  session.out() << "\n\n";
  Quantities(description, false).PrintAligned(session.out());
  if (description.top_heads.empty()) return;
  session.out() << "\ntop heads (stability: share of resamples in which a head is among them):\n";
  Heads(description).PrintAligned(session.out());
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
  const auto description = (*client)->DescribePattern(patterns->front(), *options, session.Hooks());
  if (!description.ok()) return description.status();
  Print(session, *description, *options);
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"top", "N", "how many of the first heads are listed (default 10)"},
      {"head-order", "ORDER", "which heads come first: value (default), or magnitude for signed patterns"},
      {"magnitudes", "", "dispersion of |x| instead of x: Gini and entropy of a signed pattern need it"},
      {"ddof", "0|1", "taken from n in the variance of cv (default 0)"}};
  for (const Flag& flag : BootstrapFlags()) flags.push_back(flag);
  for (const Flag& flag : PatternFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& DescribeCommand() {
  static const Command command = {
      "describe",
      "P",
      1,
      1,
      "how a pattern is spread: Gini, CV, kurtosis, entropy, top heads",
      std::string("Prints how unevenly a pattern is spread over the heads (Gini coefficient, coefficient of\n"
                  "variation, kurtosis, entropy in nats, effective number of heads), its totals per layer and\n"
                  "its first heads, with bootstrap intervals over the job's stored samples.\n\n") +
          kPatternHelp,
      Flags(),
      {"describe j-0h3kq8z1v5m2n4p7", "describe pattern.npy --format json",
       "describe p-after --base p-before --magnitudes --head-order magnitude"},
      Run};
  return command;
}

}  // namespace headscope::cli
