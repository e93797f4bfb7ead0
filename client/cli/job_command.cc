// headscope job: one job in full.
#include "client/cli/command.h"
#include "client/cli/job_output.h"

namespace headscope::cli {
namespace {

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = (*client)->GetJob(arguments.positionals()[0]);
  if (!job.ok()) return job.status();
  PrintJob(session, *job);
  return kDone;
}

}  // namespace

const Command& JobCommand() {
  static const Command command = {"job",
                                  "ID",
                                  1,
                                  1,
                                  "show one job",
                                  "Shows a job: state, progress, options, failure and attempts (all of them in json).",
                                  {},
                                  {"job j-0h3kq8z1v5m2n4p7", "job j-0h3kq8z1v5m2n4p7 --format json"},
                                  Run};
  return command;
}

}  // namespace headscope::cli
