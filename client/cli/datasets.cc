// headscope datasets: what was uploaded.
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

void Print(Session& session, const std::vector<client::Dataset>& datasets) {
  Json list = Json::array();
  TextTable table({"dataset", "samples", "size", "name", "created"});
  for (const client::Dataset& dataset : datasets) {
    list.push_back(DatasetJson(dataset));
    const std::string size =
        session.format == Format::kCsv ? absl::StrCat(dataset.size_bytes) : ShortBytes(dataset.size_bytes);
    table.AddRow(
        {dataset.id, absl::StrCat(dataset.sample_count), size, dataset.display_name, UtcTime(dataset.create_time)});
  }
  if (session.format == Format::kJson) {
    session.out() << Text({{"datasets", std::move(list)}});
  } else if (session.format == Format::kCsv) {
    table.PrintCsv(session.out());
  } else {
    table.PrintAligned(session.out());
  }
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto datasets = (*client)->ListDatasets();
  if (!datasets.ok()) return datasets.status();
  Print(session, *datasets);
  return kDone;
}

}  // namespace

const Command& DatasetsCommand() {
  static const Command command = {
      "datasets",
      "",
      0,
      0,
      "list uploaded datasets, newest first",
      "Lists the datasets that the server keeps, newest first. A dataset is named by its content:\n"
      "uploading the same rows again makes no second one.",
      {},
      {"datasets", "datasets --format json"},
      Run};
  return command;
}

}  // namespace headscope::cli
