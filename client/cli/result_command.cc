// headscope result: the result of a job that has succeeded, with any reduction.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/follow.h"
#include "client/cli/option_flags.h"
#include "client/cli/result_output.h"

namespace headscope::cli {
namespace {

// A job without a result: why, on standard error.
absl::StatusOr<int> ReportNoResult(Session& session, client::Client& client, const client::Job& job) {
  if (!client::HasEnded(job.state)) {
    session.err() << "headscope: job " << job.id << " is " << client::NameOf(job.state) << ", "
                  << job.progress.samples_done << "/" << job.progress.samples_total
                  << " samples; follow it with `headscope watch " << job.id << "`\n";
    return kFailed;
  }
  const auto end = ReportEnd(session, client, job, LocateByIndex);
  if (!end.ok()) return end.status();
  return kFailed;
}

absl::Status CheckRecorded(const client::Job& job) {
  if (job.spec.compute.record_tokens) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("job ", job.id,
                                                    " recorded no tokens; score its samples again with `headscope "
                                                    "attribute --tokens`, which stores them with the scores"));
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto output = ResultOutput::Choose(session, arguments);
  if (!output.ok()) return output.status();
  const bool with_tokens = arguments.Has("tokens");
  if (with_tokens && !output->is_json()) {
    return UsageError("--tokens fits into json only: use --format json, or -o FILE.json");
  }
  // Mistakes in flags are found before the server is asked.
  if (const auto flags = ReadReduction(arguments, {}); !flags.ok()) return flags.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto job = (*client)->GetJob(arguments.positionals()[0]);
  if (!job.ok()) return job.status();
  if (job->state != client::JobState::kSucceeded) return ReportNoResult(session, **client, *job);
  if (with_tokens) {
    if (absl::Status status = CheckRecorded(*job); !status.ok()) return status;
  }
  ResultRequest request;
  request.with_samples = output->with_samples() || with_tokens;
  if (HasReductionFlags(arguments)) {
    const auto reduction = ReadReduction(arguments, job->spec.reduction);
    if (!reduction.ok()) return reduction.status();
    request.reduction = *reduction;
  }
  const auto result = FetchResult(session, **client, *job, request);
  if (!result.ok()) return result.status();
  if (absl::Status status = output->Write(session, *result); !status.ok()) return status;
  return kDone;
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = ReductionFlags();
  for (const Flag& flag : ResultOutputFlags()) flags.push_back(flag);
  flags.push_back({"tokens", "", "--samples with each sample's token ids, token strings and response mask (json)"});
  return flags;
}

}  // namespace

const Command& ResultCommand() {
  static const Command command = {
      "result",
      "ID",
      1,
      1,
      "print the result of a job, with any reduction",
      "Prints the pattern of a job that has succeeded. Reduction flags change how its stored scores are read;\n"
      "flags that are not given are the job's own. No new run is needed. Exits with 1 while the job is not\n"
      "finished, and when it did not succeed.",
      Flags(),
      {"result j-0h3kq8z1v5m2n4p7", "result j-0h3kq8z1v5m2n4p7 --positions response --absolute none --format json",
       "result j-0h3kq8z1v5m2n4p7 -o pattern.npy", "result j-0h3kq8z1v5m2n4p7 --samples -o pool.npy",
       "result j-0h3kq8z1v5m2n4p7 --tokens -o tokens.json"},
      Run};
  return command;
}

}  // namespace headscope::cli
