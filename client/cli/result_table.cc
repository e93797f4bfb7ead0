#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/numbers.h"
#include "client/cli/result.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

constexpr std::size_t kTopHeads = 10;

std::string Title(const Result& result) {
  const client::Provenance& provenance = result.pattern.provenance;
  return absl::StrCat("job ", result.job.id, ": ", result.job.spec.compute.method, " on ", Printable(provenance.model),
                      ", ", Count(result.pattern.samples_scored, "sample"), ", ", provenance.tokens, " tokens (",
                      provenance.response_tokens, " supervised)\n");
}

const char* HeadWord(const Result& result) {
  return result.pattern.reduction.head_axis == client::HeadAxis::kKvGroup ? "kv head" : "head";
}

std::string Numbers(const client::Matrix& matrix) {
  std::vector<std::string> header = {"layer"};
  for (std::size_t head = 0; head < matrix.columns; ++head) header.push_back(absl::StrCat("head ", head));
  TextTable table(header);
  for (std::size_t layer = 0; layer < matrix.rows; ++layer) {
    std::vector<std::string> row = {absl::StrCat(layer)};
    for (std::size_t head = 0; head < matrix.columns; ++head) row.push_back(ShortNumber(matrix.At(layer, head)));
    table.AddRow(std::move(row));
  }
  std::ostringstream text;
  table.PrintAligned(text);
  return text.str();
}

std::string TopHeadsText(const Result& result) {
  std::string text = "top heads:\n";
  for (const RankedHead& head : TopHeads(result.pattern.values, kTopHeads)) {
    absl::StrAppendFormat(&text, "  layer %d %s %d  %s", head.layer, HeadWord(result), head.head,
                          ShortNumber(head.value));
    if (const auto& error = result.pattern.standard_error) {
      absl::StrAppend(&text, " ± ", ShortNumber(error->At(head.layer, head.head)));
    }
    text += "\n";
  }
  return text;
}

std::string SamplesText(const client::Scores& scores) {
  TextTable table({"sample", "tokens", "response tokens", "objective", "strongest head", "signed score"});
  for (std::size_t sample = 0; sample < scores.ids.size(); ++sample) {
    std::vector<std::string> row = {scores.ids[sample], absl::StrCat(scores.tokens[sample]),
                                    absl::StrCat(scores.response_tokens[sample]),
                                    ShortNumber(scores.objective[sample])};
    if (const auto sums = scores.Signed(sample); sums.ok()) {
      for (const RankedHead& head : TopHeads({scores.layers, scores.heads, *sums}, 1)) {
        row.push_back(absl::StrCat("layer ", head.layer, " head ", head.head));
        row.push_back(ShortNumber(head.value));
      }
    }
    table.AddRow(std::move(row));
  }
  std::ostringstream text;
  table.PrintAligned(text);
  return text.str();
}

}  // namespace

std::string ResultTable(const Result& result, const TableStyle& style) {
  const client::Matrix& values = result.pattern.values;
  std::string text = absl::StrCat(Title(result), "\n", style.heat_map ? HeatMap(values, style.map) : Numbers(values),
                                  "\n", TopHeadsText(result));
  if (result.scores) absl::StrAppend(&text, "\n", SamplesText(*result.scores));
  return text;
}

}  // namespace headscope::cli
