// headscope jobs: the jobs a server knows.
#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "client/cli/command.h"
#include "client/cli/job_output.h"

namespace headscope::cli {
namespace {

absl::StatusOr<client::JobFilter> ReadFilter(const Arguments& arguments) {
  client::JobFilter filter;
  for (const std::string& given : arguments.GetAll("state")) {
    const auto state = client::JobStateFromName(absl::AsciiStrToUpper(given));
    if (!state) {
      return Arguments::NotOneOf("state", given, {"queued", "preparing", "running", "succeeded", "failed", "cancelled", "expired"});
    }
    filter.states.push_back(*state);
  }
  filter.model = std::string(absl::StripPrefix(arguments.Get("model").value_or(""), "models/"));
  auto labels = arguments.Pairs("label");
  if (!labels.ok()) return labels.status();
  filter.labels = *std::move(labels);
  const auto limit = arguments.Number("limit", 1, 1'000'000'000);
  if (!limit.ok()) return limit.status();
  filter.limit = limit->value_or(0);
  return filter;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto filter = ReadFilter(arguments);
  if (!filter.ok()) return filter.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto jobs = (*client)->ListJobs(*filter);
  if (!jobs.ok()) return jobs.status();
  PrintJobs(session, *jobs);
  return kDone;
}

}  // namespace

const Command& JobsCommand() {
  static const Command command = {
      "jobs",
      "",
      0,
      0,
      "list jobs, newest first",
      "Lists the jobs that the server keeps, newest first.",
      {{"state", "STATE", "only jobs in this state; may be repeated"},
       {"model", "NAME", "only jobs on this model"},
       {"label", "K=V", "only jobs with this label; may be repeated"},
       {"limit", "N", "at most N jobs (default: all)"}},
      {"jobs", "jobs --state running --state queued", "jobs --label task=gsm8k --format json"},
      Run};
  return command;
}

}  // namespace headscope::cli
