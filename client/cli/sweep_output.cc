#include "client/cli/sweep_output.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/analysis_json.h"
#include "client/cli/comparison_output.h"
#include "client/cli/json_values.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

Json OrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string StateOf(const client::SweepCell& cell) { return cell.job.empty() ? "DELETED" : client::NameOf(cell.state); }

std::string Samples(const client::Progress& progress) {
  return absl::StrCat(progress.samples_done, "/", progress.samples_total);
}

Json CellJson(const client::SweepCell& cell) {
  Json failure = nullptr;
  if (cell.failure) failure = {{"reason", cell.failure->reason}, {"message", cell.failure->message}};
  return {{"model", cell.model},
          {"dataset", cell.dataset},
          {"task", cell.task},
          {"job", OrNull(cell.job)},
          {"pattern", OrNull(cell.pattern)},
          {"state", StateOf(cell)},
          {"samples_done", cell.progress.samples_done},
          {"samples_total", cell.progress.samples_total},
          {"invalid_samples", cell.invalid_samples},
          {"failure", std::move(failure)}};
}

// Everything but the cells.
Json SummaryJson(const client::Sweep& sweep) {
  const client::SweepCounts& counts = sweep.counts;
  return {{"sweep", sweep.id},
          {"state", client::NameOf(sweep.state)},
          {"samples_done", sweep.progress.samples_done},
          {"samples_total", sweep.progress.samples_total},
          {"counts",
           {{"total", counts.total},
            {"queued", counts.queued},
            {"preparing", counts.preparing},
            {"running", counts.running},
            {"succeeded", counts.succeeded},
            {"failed", counts.failed},
            {"cancelled", counts.cancelled},
            {"expired", counts.expired},
            {"deleted", counts.deleted}}},
          {"labels", Json(sweep.spec.labels)},
          {"create_time", UtcTime(sweep.create_time)},
          {"start_time", UtcTime(sweep.start_time)},
          {"end_time", UtcTime(sweep.end_time)}};
}

// The keys of `compare`, and the numbers of the cells that the patterns are of.
Json CellComparisonJson(const CellComparison& comparison) {
  Json json = ComparisonJson(comparison.comparison);
  json["cells"] = comparison.group.cells;
  return json;
}

Json SweepJson(const client::Sweep& sweep, const std::vector<CellComparison>& comparisons) {
  Json json = SummaryJson(sweep);
  json["cells"] = Json::array();
  for (const client::SweepCell& cell : sweep.cells) json["cells"].push_back(CellJson(cell));
  json["comparisons"] = Json::array();
  for (const CellComparison& comparison : comparisons) json["comparisons"].push_back(CellComparisonJson(comparison));
  json["comparison"] = comparisons.size() == 1 ? json["comparisons"][0] : Json(nullptr);
  return json;
}

TextTable Cells(const client::Sweep& sweep) {
  TextTable table({"model", "task", "state", "samples", "job", "pattern"});
  for (const client::SweepCell& cell : sweep.cells) {
    table.AddRow({cell.model, cell.task, StateOf(cell), Samples(cell.progress), cell.job, cell.pattern});
  }
  return table;
}

void Print(std::ostream& out, const client::Sweep& sweep, const CellComparison& comparison) {
  const CellGroup& group = comparison.group;
  out << "\n" << group.layers << " layers, " << group.heads << " heads";
  if (!group.family.empty()) out << ", " << Printable(group.family);
  out << ":\n";
  std::vector<std::string> names;
  for (const std::size_t cell : group.cells) {
    names.push_back(absl::StrCat(sweep.cells[cell].task, "  ", sweep.cells[cell].model));
  }
  PrintMatrices(out, comparison.comparison, names);
}

TextTable List(const std::vector<client::Sweep>& sweeps) {
  TextTable table({"sweep", "state", "cells", "samples", "models", "datasets", "created", "labels"});
  for (const client::Sweep& sweep : sweeps) {
    const std::uint32_t open = sweep.counts.queued + sweep.counts.preparing + sweep.counts.running;
    table.AddRow({sweep.id, client::NameOf(sweep.state),
                  absl::StrCat(sweep.counts.total - open, "/", sweep.counts.total), Samples(sweep.progress),
                  absl::StrCat(sweep.spec.models.size()), absl::StrCat(sweep.spec.datasets.size()),
                  UtcTime(sweep.create_time), absl::StrJoin(sweep.spec.labels, " ", absl::PairFormatter("="))});
  }
  return table;
}

}  // namespace

void PrintSweep(Session& session, const client::Sweep& sweep, const std::vector<CellComparison>& comparisons) {
  switch (session.format) {
    case Format::kJson:
      session.out() << Text(SweepJson(sweep, comparisons));
      return;
    case Format::kCsv:
      return Cells(sweep).PrintCsv(session.out());
    case Format::kTable:
      break;
  }
  session.out() << sweep.id << " " << client::NameOf(sweep.state) << ", " << sweep.counts.succeeded << " of "
                << Count(sweep.counts.total, "cell") << " succeeded";
  if (sweep.counts.deleted > 0) session.out() << ", " << sweep.counts.deleted << " deleted";
  session.out() << "\n\n";
  Cells(sweep).PrintAligned(session.out());
  for (const CellComparison& comparison : comparisons) Print(session.out(), sweep, comparison);
}

void PrintSweeps(Session& session, const std::vector<client::Sweep>& sweeps) {
  if (session.format == Format::kCsv) return List(sweeps).PrintCsv(session.out());
  if (session.format == Format::kTable) return List(sweeps).PrintAligned(session.out());
  Json list = Json::array();
  for (const client::Sweep& sweep : sweeps) list.push_back(SummaryJson(sweep));
  session.out() << Text({{"sweeps", std::move(list)}});
}

void PrintSweepId(Session& session, const std::string& id) {
  if (session.format == Format::kJson) {
    session.out() << Text({{"sweep", id}});
  } else {
    session.out() << (session.format == Format::kCsv ? "sweep\n" : "") << id << "\n";
  }
}

}  // namespace headscope::cli
