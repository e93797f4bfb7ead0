// headscope watch: follow a job to its end.
#include "client/cli/command.h"
#include "client/cli/follow.h"
#include "client/cli/job_output.h"

namespace headscope::cli {
namespace {

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  // Asked for first, so that an unknown job is no broken watch, and its id is bare whatever was given.
  const auto known = (*client)->GetJob(arguments.positionals()[0]);
  if (!known.ok()) return known.status();
  const auto job = FollowJob(session, **client, known->id);
  if (!job.ok()) return job.status();
  if (!*job) return kDetached;
  PrintJob(session, **job);
  ReportSkipped(session, **job);
  return ReportEnd(session, **client, **job, LocateByIndex);
}

}  // namespace

const Command& WatchCommand() {
  static const Command command = {
      "watch",
      "ID",
      1,
      1,
      "follow a job until it ends",
      "Follows a job with its progress on standard error and prints the job when it has ended.\n"
      "Exits as `attribute` does: 0 when it succeeded, 2 when samples were refused, 1 otherwise.\n"
      "Ctrl-C detaches; the job goes on.",
      {},
      {"watch j-0h3kq8z1v5m2n4p7"},
      Run};
  return command;
}

}  // namespace headscope::cli
