// headscope cancel: stop a job.
#include <ostream>

#include "client/cli/command.h"
#include "client/cli/job_output.h"

namespace headscope::cli {
namespace {

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = (*client)->CancelJob(arguments.positionals()[0]);
  if (!job.ok()) return job.status();
  if (session.format != Format::kTable) {
    PrintJob(session, *job);
  } else if (client::HasEnded(job->state)) {
    session.out() << job->id << " " << client::NameOf(job->state) << "\n";
  } else {
    session.out() << job->id << " " << client::NameOf(job->state) << ", is being cancelled\n";
  }
  return kDone;
}

}  // namespace

const Command& CancelCommand() {
  static const Command command = {
      "cancel",
      "ID",
      1,
      1,
      "cancel a job",
      "Cancels a job: queued work ends at once, running work within one batch. Cancelling a job\n"
      "that has ended changes nothing.",
      {},
      {"cancel j-0h3kq8z1v5m2n4p7"},
      Run};
  return command;
}

}  // namespace headscope::cli
