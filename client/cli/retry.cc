// headscope retry: let a job go on that ended without a pattern.
#include "client/cli/command.h"
#include "client/cli/follow.h"
#include "client/cli/job_output.h"

namespace headscope::cli {
namespace {

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto retried = (*client)->RetryJob(arguments.positionals()[0]);
  if (!retried.ok()) return retried.status();
  if (arguments.Has("detach")) {
    PrintJobId(session, retried->id);
    return kDone;
  }
  const auto job = FollowJob(session, **client, retried->id);
  if (!job.ok()) return job.status();
  if (!*job) return kDetached;
  PrintJob(session, **job);
  ReportSkipped(session, **job);
  return ReportEnd(session, **client, **job, LocateByIndex);
}

}  // namespace

const Command& RetryCommand() {
  static const Command command = {
      "retry",
      "ID",
      1,
      1,
      "let a job go on that failed, expired or was cancelled",
      "Queues the same job again: what is done of it stays done, what is left is computed on the same content of\n"
      "the model, and follows it as `watch` does. A job that failed because of its samples is refused: they would\n"
      "be invalid again. (Of sweeps: `sweep ID --retry`.)",
      {{"detach", "", "print the job's id and do not wait"}},
      {"retry j-0h3kq8z1v5m2n4p7", "retry j-0h3kq8z1v5m2n4p7 --detach"},
      Run};
  return command;
}

}  // namespace headscope::cli
