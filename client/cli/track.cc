// headscope track: patterns along checkpoints or sample counts.
#include <ostream>

#include "client/cli/analysis_json.h"
#include "client/cli/command.h"
#include "client/cli/numbers.h"
#include "client/cli/pattern_argument.h"
#include "client/cli/text_table.h"
#include "proto/support/limits.h"

namespace headscope::cli {
namespace {

TextTable Points(const std::vector<client::TrackPoint>& points, bool exact) {
  const auto cell = [exact](const std::optional<double>& value) { return NumberCell(value, exact); };
  TextTable table({"pattern", "gini", "cv", "kurtosis_fisher", "mse_first", "pearson_first", "mse_previous",
                   "pearson_previous", "mse_last", "pearson_last"});
  for (const client::TrackPoint& point : points) {
    const client::Change previous = point.against_previous.value_or(client::Change());
    table.AddRow({NameOf(point.pattern), cell(point.dispersion.gini.value), cell(point.dispersion.cv.value),
                  cell(point.dispersion.kurtosis_fisher.value), cell(point.against_first.mse),
                  cell(point.against_first.pearson), cell(previous.mse), cell(previous.pearson),
                  cell(point.against_last.mse), cell(point.against_last.pearson)});
  }
  return table;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  client::TrackOptions options;
  const auto ddof = arguments.Number("ddof", 0, 1);
  if (!ddof.ok()) return ddof.status();
  options.ddof = static_cast<std::uint32_t>(ddof->value_or(0));
  options.magnitudes = arguments.Has("magnitudes");
  options.allow_different_models = arguments.Has("allow-different-models");
  auto patterns = ReadPatterns(arguments.positionals());
  if (!patterns.ok()) return patterns.status();
  if (absl::Status status = SubtractBase(arguments, *patterns); !status.ok()) return status;
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = ApplyReduction(**client, arguments, *patterns); !status.ok()) return status;
  const auto points = (*client)->TrackPatterns(*patterns, options, session.Hooks());
  if (!points.ok()) return points.status();
  if (session.format == Format::kJson) {
    session.out() << Text(TrackJson(*points));
  } else if (session.format == Format::kCsv) {
    Points(*points, true).PrintCsv(session.out());
  } else {
    Points(*points, false).PrintAligned(session.out());
  }
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {{"magnitudes", "", "dispersion of |x| instead of x"},
                             {"ddof", "0|1", "taken from n in the variance of cv (default 0)"}};
  for (const Flag& flag : PatternFlags()) flags.push_back(flag);
  return flags;
}

}  // namespace

const Command& TrackCommand() {
  static const Command command = {
      "track",
      "P...",
      1,
      kMaxComparedPatterns,
      "patterns along checkpoints or sample counts",
      std::string("Prints, for patterns in the order given, how spread each is and how it differs from the first, the\n"
                  "one before and the last: mean squared difference and correlations.\n\n") +
          kPatternHelp,
      Flags(),
      {"track j-step100 j-step200 j-step400", "track step-*.npy --format csv"},
      Run};
  return command;
}

}  // namespace headscope::cli
