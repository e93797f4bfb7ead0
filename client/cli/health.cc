// headscope health: does the server serve?
#include <ostream>

#include "client/cli/command.h"
#include "client/cli/json_values.h"

namespace headscope::cli {
namespace {

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto status = (*client)->Health(arguments.positionals().empty() ? "" : arguments.positionals()[0]);
  if (!status.ok()) return status.status();
  switch (session.format) {
    case Format::kJson:
      session.out() << Text({{"server", session.server()}, {"status", *status}});
      break;
    case Format::kCsv:
      session.out() << "server,status\n" << session.server() << "," << *status << "\n";
      break;
    case Format::kTable:
      session.out() << *status << "\n";
      break;
  }
  return *status == "SERVING" ? kDone : kFailed;
}

}  // namespace

const Command& HealthCommand() {
  static const Command command = {
      "health",
      "[SERVICE]",
      0,
      1,
      "ask whether the server serves",
      "Asks the server's health service. Exits with 0 when it is SERVING, 1 when it is not, 3 when it\n"
      "is not reachable. SERVICE is one that it publishes; without one the whole server is meant.",
      {},
      {"health", "health --server 10.0.0.5:50051"},
      Run};
  return command;
}

}  // namespace headscope::cli
