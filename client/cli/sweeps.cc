// headscope sweeps: the sweeps a server knows.
#include "client/cli/command.h"
#include "client/cli/sweep_output.h"

namespace headscope::cli {
namespace {

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto labels = arguments.Pairs("label");
  if (!labels.ok()) return labels.status();
  const auto limit = arguments.Number("limit", 1, 1'000'000'000);
  if (!limit.ok()) return limit.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto sweeps = (*client)->ListSweeps(*labels, limit->value_or(0));
  if (!sweeps.ok()) return sweeps.status();
  PrintSweeps(session, *sweeps);
  return kDone;
}

}  // namespace

const Command& SweepsCommand() {
  static const Command command = {
      "sweeps",
      "",
      0,
      0,
      "list sweeps, newest first",
      "Lists the sweeps that the server keeps, newest first, with how many of their cells have ended.",
      {{"label", "K=V", "only sweeps with this label; may be repeated"},
       {"limit", "N", "at most N sweeps (default: all)"}},
      {"sweeps", "sweeps --label run=7 --format json"},
      Run};
  return command;
}

}  // namespace headscope::cli
