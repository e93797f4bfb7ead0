#include "client/cli/job_output.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/json_values.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

std::string Labels(const client::Job& job) { return absl::StrJoin(job.spec.labels, " ", absl::PairFormatter("=")); }

std::string Samples(const client::Progress& progress) {
  return absl::StrCat(progress.samples_done, "/", progress.samples_total);
}

// Without what is empty.
TextTable Fields(const client::Job& job) {
  TextTable table({"field", "value"});
  const auto add = [&table](const std::string& name, const std::string& value) {
    if (!value.empty()) table.AddRow({name, value});
  };
  add("job", job.id);
  add("state", client::NameOf(job.state));
  add("model", job.spec.model);
  add("dataset", job.spec.dataset);
  add("method", job.spec.compute.method);
  add("samples", Samples(job.progress));
  add("tokens", absl::StrCat(job.progress.tokens_done, "/", job.progress.tokens_total));
  if (job.progress.eta && !client::HasEnded(job.state)) add("remaining", ShortDuration(*job.progress.eta));
  if (job.cancel_requested) add("cancel requested", "yes");
  add("blocked", job.blocked_reason);
  if (job.failure) add("failure", absl::StrCat(job.failure->reason, ": ", job.failure->message));
  if (job.invalid_samples > 0) add("invalid samples", absl::StrCat(job.invalid_samples));
  add("labels", Labels(job));
  add("pattern", job.pattern);
  add("created", UtcTime(job.create_time));
  add("started", UtcTime(job.start_time));
  add("ended", UtcTime(job.end_time));
  add("attempts", absl::StrCat(job.attempt_count));
  return table;
}

TextTable List(const std::vector<client::Job>& jobs) {
  TextTable table({"job", "state", "samples", "model", "method", "created", "labels"});
  for (const client::Job& job : jobs) {
    table.AddRow({job.id, client::NameOf(job.state), Samples(job.progress), job.spec.model, job.spec.compute.method,
                  UtcTime(job.create_time), Labels(job)});
  }
  return table;
}

void Print(Session& session, const TextTable& table) {
  if (session.format == Format::kCsv) {
    table.PrintCsv(session.out());
  } else {
    table.PrintAligned(session.out());
  }
}

}  // namespace

void PrintJob(Session& session, const client::Job& job) {
  if (session.format == Format::kJson) {
    session.out() << Text(JobJson(job));
  } else {
    Print(session, Fields(job));
  }
}

void PrintJobs(Session& session, const std::vector<client::Job>& jobs) {
  if (session.format != Format::kJson) return Print(session, List(jobs));
  Json list = Json::array();
  for (const client::Job& job : jobs) list.push_back(JobJson(job));
  session.out() << Text({{"jobs", std::move(list)}});
}

void PrintJobId(Session& session, const std::string& id) {
  switch (session.format) {
    case Format::kJson:
      session.out() << Text({{"job", id}});
      break;
    case Format::kCsv:
      session.out() << "job\n" << id << "\n";
      break;
    case Format::kTable:
      session.out() << id << "\n";
      break;
  }
}

}  // namespace headscope::cli
