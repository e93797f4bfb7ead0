// headscope patterns: the patterns a server keeps.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

absl::StatusOr<client::PatternFilter> ReadFilter(const Arguments& arguments) {
  using Source = client::PatternFilter::Source;
  client::PatternFilter filter;
  const std::string source = arguments.Get("source").value_or("");
  if (arguments.Has("source") && source != "job" && source != "imported") {
    return Arguments::NotOneOf("source", source, {"job", "imported"});
  }
  if (source == "job") filter.source = Source::kJob;
  if (source == "imported") filter.source = Source::kImported;
  filter.model = std::string(absl::StripPrefix(arguments.Get("model").value_or(""), "models/"));
  filter.family = arguments.Get("family").value_or("");
  filter.display_name = arguments.Get("name").value_or("");
  auto labels = arguments.Pairs("label");
  if (!labels.ok()) return labels.status();
  filter.labels = *std::move(labels);
  const auto limit = arguments.Number("limit", 1, 1'000'000'000);
  if (!limit.ok()) return limit.status();
  filter.limit = limit->value_or(0);
  return filter;
}

Json PatternJson(const client::Pattern& pattern) {
  return {{"id", pattern.id},
          {"pattern", pattern.id},
          {"job", pattern.job.empty() ? Json(nullptr) : Json(pattern.job)},
          {"display_name", pattern.display_name},
          {"origin", pattern.origin},
          {"model", {{"name", pattern.provenance.model}, {"digest", DigestJson(pattern.provenance.model_digest)}}},
          {"family", pattern.provenance.family},
          {"layers", pattern.layers},
          {"heads", pattern.heads},
          {"samples_scored", pattern.samples_scored},
          {"labels", Json(pattern.labels)},
          {"create_time", UtcTime(pattern.create_time)}};
}

TextTable Table(const std::vector<client::Pattern>& patterns) {
  TextTable table({"pattern", "source", "name", "model", "layers", "heads", "samples", "created", "labels"});
  for (const client::Pattern& pattern : patterns) {
    table.AddRow({pattern.id, pattern.job.empty() ? "imported" : pattern.job, pattern.display_name,
                  pattern.provenance.model, absl::StrCat(pattern.layers), absl::StrCat(pattern.heads),
                  absl::StrCat(pattern.samples_scored), UtcTime(pattern.create_time),
                  absl::StrJoin(pattern.labels, " ", absl::PairFormatter("="))});
  }
  return table;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto filter = ReadFilter(arguments);
  if (!filter.ok()) return filter.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto patterns = (*client)->ListPatterns(*filter);
  if (!patterns.ok()) return patterns.status();
  if (session.format == Format::kJson) {
    Json list = Json::array();
    for (const client::Pattern& pattern : *patterns) list.push_back(PatternJson(pattern));
    session.out() << Text({{"patterns", std::move(list)}});
  } else if (session.format == Format::kCsv) {
    Table(*patterns).PrintCsv(session.out());
  } else {
    Table(*patterns).PrintAligned(session.out());
  }
  return kDone;
}

}  // namespace

const Command& PatternsCommand() {
  static const Command command = {
      "patterns",
      "",
      0,
      0,
      "list patterns, newest first",
      "Lists the patterns that the server has: of jobs that have succeeded, and imported ones.",
      {{"source", "job|imported", "only those of jobs, or only imported ones"},
       {"model", "NAME", "only patterns of this model"},
       {"family", "FAMILY", "only patterns of models of this family"},
       {"name", "NAME", "only imported ones of this name"},
       {"label", "K=V", "only patterns with this label; may be repeated"},
       {"limit", "N", "at most N patterns (default: all)"}},
      {"patterns", "patterns --label task=gsm8k --format json", "patterns --source imported"},
      Run};
  return command;
}

}  // namespace headscope::cli
