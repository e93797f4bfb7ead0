// headscope delete: remove a job or sweep that has ended, a dataset, or an imported pattern.
#include <ostream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

// "j-..." and "jobs/...".
bool IsOf(const std::string& id, const std::string& collection, const std::string& prefix) {
  return absl::StartsWith(id, collection) || absl::StartsWith(id, prefix);
}

// Datasets are named by their digests.
bool IsDataset(const std::string& id) {
  return absl::StartsWith(id, "datasets/") ||
         (id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos);
}

// By the form of `id`; a UsageError for one of no known form.
absl::Status Delete(client::Client& client, const std::string& id) {
  if (IsOf(id, "jobs/", "j-")) return client.DeleteJob(id);
  if (IsOf(id, "sweeps/", "s-")) return client.DeleteSweep(id, false);
  if (IsOf(id, "patterns/", "p-")) return client.DeletePattern(id);
  if (IsDataset(id)) return client.DeleteDataset(id);
  return UsageError(absl::StrCat(
      "delete: wanted the id of a job (j-..., jobs/...), a sweep (s-..., sweeps/...), an imported pattern (p-..., "
      "patterns/...) or a dataset (its digest of 64 lower-case hex digits, datasets/...), found \"",
      Printable(id), "\""));
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  // Lists print digests as "sha256:...".
  const std::string id(absl::StripPrefix(arguments.positionals()[0], "sha256:"));
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
      {"delete j-0h3kq8z1v5m2n4p7", "delete s-5m2n4p70h3kq8z1v", "delete datasets/9f86d081884c7d65..."},
      Run};
  return command;
}

}  // namespace headscope::cli
