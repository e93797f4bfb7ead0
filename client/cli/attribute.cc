// headscope attribute: rows of a file in, head scores out.
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/await_model.h"
#include "client/cli/command.h"
#include "client/cli/data_file.h"
#include "client/cli/follow.h"
#include "client/cli/job_output.h"
#include "client/cli/numbers.h"
#include "client/cli/option_flags.h"
#include "client/cli/result_output.h"

namespace headscope::cli {
namespace {

// Everything the command line says, checked.
struct Request {
  std::string path;
  std::optional<std::uint64_t> limit;
  bool detach = false;
  ResultOutput output;
  client::JobRequest job;
};

absl::Status CheckRequired(const Arguments& arguments) {
  std::string missing;
  if (arguments.Get("model").value_or("").empty()) missing = "--model NAME";
  if (arguments.Get("data").value_or("").empty())
    absl::StrAppend(&missing, missing.empty() ? "" : " and ", "--data FILE");
  if (missing.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("attribute needs ", missing));
}

absl::StatusOr<Request> ReadRequest(Session& session, const Arguments& arguments) {
  if (absl::Status status = CheckRequired(arguments); !status.ok()) return status;
  auto output = ResultOutput::Choose(session, arguments);
  if (!output.ok()) return output.status();
  Request request{*arguments.Get("data"), {}, arguments.Has("detach"), *std::move(output), {}};
  if (request.detach && (arguments.Has("output") || request.output.with_samples())) {
    return UsageError("--detach prints no result; give -o and --samples to `headscope result ID`");
  }
  const auto options = ReadJobOptions(arguments);
  if (!options.ok()) return options.status();
  request.limit = options->limit;
  client::JobSpec& spec = request.job.spec;
  spec.model = std::string(absl::StripPrefix(*arguments.Get("model"), "models/"));
  spec.compute = options->compute;
  spec.reduction = options->reduction;
  spec.execution = options->execution;
  spec.labels = options->labels;
  return request;
}

absl::StatusOr<client::Job> Submit(Session& session, client::Client& client, client::RowReader& rows,
                                   Request& request) {
  const auto model = AwaitModel(session, client, request.job.spec.model);
  if (!model.ok()) return model.status();
  if (!model->unsupported.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("model ", model->name, " is not supported: ", model->unsupported));
  }
  const auto dataset = client.UploadDataset(rows, FileName(request.path), session.Hooks());
  if (!dataset.ok()) return dataset.status();
  request.job.spec.dataset = dataset->id;
  auto job = client.SubmitJob(request.job);
  if (job.ok()) session.err() << "headscope: job " << job->id << ", " << Count(dataset->sample_count, "sample") << "\n";
  return job;
}

absl::StatusOr<int> Finish(Session& session, client::Client& client, const client::Job& job, const Request& request,
                           const client::RowReport& report) {
  const auto locate = [&](std::uint32_t index) {
    return index < report.lines.size() ? absl::StrCat(request.path, ":", report.lines[index]) : LocateByIndex(index);
  };
  const auto end = ReportEnd(session, client, job, locate);
  if (!end.ok() || *end != kDone) return end;
  ReportSkipped(session, job);
  const auto result = FetchResult(session, client, job, {std::nullopt, request.output.with_samples(), request.limit});
  if (!result.ok()) return result.status();
  if (absl::Status status = request.output.Write(session, *result); !status.ok()) return status;
  return kDone;
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  auto request = ReadRequest(session, arguments);
  if (!request.ok()) return request.status();
  const auto rows = OpenRows(session, request->path, request->limit);
  if (!rows.ok()) return rows.status();
  const client::RowReport report = (*rows)->Check();
  if (!PrintFaults(session, request->path, report)) return kRefused;
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto submitted = Submit(session, **client, **rows, *request);
  if (absl::IsCancelled(submitted.status()) && session.interrupted()) {
    session.err() << "headscope: stopped before a job was made\n";
    return kDetached;
  }
  if (!submitted.ok()) return submitted.status();
  if (request->detach) {
    PrintJobId(session, submitted->id);
    return kDone;
  }
  const auto job = FollowJob(session, **client, submitted->id);
  if (!job.ok()) return job.status();
  if (!*job) return kDetached;
  return Finish(session, **client, **job, *request, report);
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {{"model", "NAME", "model, as `headscope models` names it"},
                             {"data", "FILE.jsonl", "rows to score; - reads standard input"}};
  for (const Flag& flag : JobFlags()) flags.push_back(flag);
  flags.push_back({"label", "K=V", "label of the job; may be repeated; task=... names the task"});
  for (const Flag& flag : ResultOutputFlags()) flags.push_back(flag);
  flags.push_back({"detach", "", "print the job's id and do not wait"});
  return flags;
}

}  // namespace

const Command& AttributeCommand() {
  static const Command command = {
      "attribute",
      "",
      0,
      0,
      "score the heads of a model on a file of samples",
      "Uploads the rows of a file, queues a job, follows it and prints the head scores: a [layers x heads]\n"
      "pattern with standard errors. Ctrl-C detaches; the job goes on.\n\n"
      "A row is one JSON object a line, all of one kind; other keys are ignored, a missing id becomes the\n"
      "line's number:\n"
      "  {\"id\": \"a\", \"prompt\": \"2 + 2 =\", \"response\": \" 4\"}\n"
      "  {\"id\": \"a\", \"token_ids\": [17, 10, 17, 28, 19], \"prompt_tokens\": 4}\n"
      "  {\"id\": \"a\", \"text\": \"all but the first token is response\"}\n"
      "Faults of rows are all reported at once, with their lines, and make no job.",
      Flags(),
      {"attribute --model demo --data samples.jsonl",
       "attribute --model demo --data samples.jsonl --script-batch 4 --format json -o result.json",
       "attribute --model demo --data samples.jsonl --limit 100 --on-invalid skip --samples -o pool.npy",
       "attribute --model demo --data samples.jsonl --tokens --samples --format json -o result.json",
       "attribute --model demo --data samples.jsonl --label task=gsm8k --detach"},
      Run};
  return command;
}

}  // namespace headscope::cli
