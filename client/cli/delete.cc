// headscope delete: remove a job or sweep that has ended, a dataset, or an imported pattern.
#include <ostream>

#include "absl/strings/match.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"

namespace headscope::cli {
namespace {

constexpr char kDatasets[] = "datasets/";
constexpr char kPatterns[] = "patterns/";
constexpr char kSweeps[] = "sweeps/";

// Datasets are named by 64 hex digits, which no job's id is.
bool IsDataset(const std::string& id) {
  return absl::StartsWith(id, kDatasets) ||
         (id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos);
}

bool IsPattern(const std::string& id) { return absl::StartsWith(id, kPatterns) || absl::StartsWith(id, "p-"); }

bool IsSweep(const std::string& id) { return absl::StartsWith(id, kSweeps) || absl::StartsWith(id, "s-"); }

absl::Status Delete(client::Client& client, const std::string& id) {
  if (IsDataset(id)) return client.DeleteDataset(id);
  if (IsSweep(id)) return client.DeleteSweep(id, false);
  return IsPattern(id) ? client.DeletePattern(id) : client.DeleteJob(id);
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const std::string& id = arguments.positionals()[0];
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (absl::Status status = Delete(**client, id); !status.ok()) return status;
  const std::size_t slash = id.find('/');
  const std::string bare = slash == std::string::npos ? id : id.substr(slash + 1);
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
      "delete a job or sweep that has ended, a dataset, or an imported pattern",
      "Removes a job that has ended with its scores and pattern; a sweep that has ended with all of its jobs;\n"
      "a dataset (datasets/ID) that no job names, ended ones included: delete those first; or an imported\n"
      "pattern. Prints the id.",
      {},
      {"delete j-0h3kq8z1v5m2n4p7", "delete datasets/9f86d081884c7d65..."},
      Run};
  return command;
}

}  // namespace headscope::cli
