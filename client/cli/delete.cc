// headscope delete: remove a job that has ended, or a dataset.
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"

namespace headscope::cli {
namespace {

constexpr char kDatasets[] = "datasets/";

// Datasets are named by 64 hex digits, which no job's id is.
bool IsDataset(const std::string& id) {
  return absl::StartsWith(id, kDatasets) ||
         (id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos);
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const std::string& id = arguments.positionals()[0];
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const absl::Status status = IsDataset(id) ? (*client)->DeleteDataset(id) : (*client)->DeleteJob(id);
  if (!status.ok()) return status;
  const std::string bare(absl::StripPrefix(absl::StripPrefix(id, kDatasets), "jobs/"));
  if (session.format == Format::kJson) {
    session.out() << Text({{"deleted", bare}});
  } else {
    session.out() << (session.format == Format::kCsv ? "deleted\n" : "") << bare << "\n";
  }
  return kDone;
}

}  // namespace

const Command& DeleteCommand() {
  static const Command command = {
      "delete",
      "ID",
      1,
      1,
      "delete a job that has ended, or a dataset",
      "Removes a job that has ended with its scores and pattern; or a dataset (datasets/ID) that no job\n"
      "names, ended ones included: delete those first. Prints the id.",
      {},
      {"delete j-0h3kq8z1v5m2n4p7", "delete datasets/9f86d081884c7d65..."},
      Run};
  return command;
}

}  // namespace headscope::cli
