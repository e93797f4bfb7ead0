// headscope health: does the server, or a worker, serve?
#include <ostream>

#include "absl/time/time.h"
#include "client/cli/command.h"
#include "client/cli/json_values.h"
#include "client/cli/worker_health.h"

namespace headscope::cli {
namespace {

void Print(Session& session, const std::string& kind, const std::string& address, const std::string& status) {
  switch (session.format) {
    case Format::kJson:
      session.out() << Text({{kind, address}, {"status", status}});
      break;
    case Format::kCsv:
      session.out() << kind << ",status\n" << address << "," << status << "\n";
      break;
    case Format::kTable:
      session.out() << status << "\n";
      break;
  }
}

absl::StatusOr<int> RunForWorker(Session& session, const std::string& address) {
  const absl::Status status = CheckWorkerHealth(address, absl::Seconds(5));
  if (status.code() != absl::StatusCode::kFailedPrecondition && !status.ok()) return status;
  Print(session, "worker", address, status.ok() ? "SERVING" : "NOT_SERVING");
  return status.ok() ? kDone : kFailed;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  if (const auto worker = arguments.Get("worker")) return RunForWorker(session, *worker);
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto status = (*client)->Health(arguments.positionals().empty() ? "" : arguments.positionals()[0]);
  if (!status.ok()) return status.status();
  Print(session, "server", session.server(), *status);
  return *status == "SERVING" ? kDone : kFailed;
}

}  // namespace

const Command& HealthCommand() {
  static const Command command = {
      "health",
      "[SERVICE]",
      0,
      1,
      "ask whether the server, or a worker, serves",
      "Asks the server's health service. Exits with 0 when it is SERVING, 1 when it is not, 3 when it\n"
      "is not reachable. SERVICE is one that it publishes; without one the whole server is meant. With\n"
      "--worker a worker's own listener is asked instead of the server.",
      {{"worker", "HOST:PORT", "Ask the worker whose --metrics-listen this is."}},
      {"health", "health --server 10.0.0.5:50051", "health --worker 127.0.0.1:9465"},
      Run};
  return command;
}

}  // namespace headscope::cli
