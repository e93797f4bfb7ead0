#include "client/cli/follow.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_status.h"
#include "client/cli/numbers.h"
#include "client/cli/progress_view.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

void PrintWayBack(std::ostream& err, const std::string& id) {
  err << "  follow it with `headscope watch " << id << "`, read its result with `headscope result " << id << "`\n";
}

absl::Status PrintInvalidSamples(Session& session, client::Client& client, const std::string& id,
                                 const SampleLocator& locate) {
  const auto samples = client.ListInvalidSamples(id);
  if (!samples.ok()) return samples.status();
  for (const client::InvalidSample& sample : *samples) {
    session.err() << locate(sample.index) << ": \"" << Printable(sample.id) << "\": " << sample.reason << ": "
                  << Printable(sample.message) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<client::Job>> FollowJob(Session& session, client::Client& client, const std::string& id) {
  const Environment& environment = session.environment();
  ProgressView view(session.err(), {environment.err_is_terminal, environment.width}, *environment.clock, id);
  client::LongCall hooks = session.Hooks();
  hooks.on_retry = [&view](const absl::Status& why, absl::Duration delay) {
    const char* const what =
        absl::IsResourceExhausted(why) ? "the job cannot be watched now (" : "the connection broke (";
    view.Note(absl::StrCat(what, why.message(), "); trying again in ", absl::FormatDuration(delay)));
  };
  auto job = client.WatchJob(
      id, [&view](const client::JobUpdate& update) { view.Update(update); }, hooks);
  view.Close();
  if (job.ok()) return std::optional<client::Job>(*std::move(job));
  if (absl::IsCancelled(job.status()) && session.interrupted()) {
    session.err() << "headscope: detached; job " << id << " goes on\n";
    PrintWayBack(session.err(), id);
    return std::optional<client::Job>();
  }
  if (absl::IsNotFound(job.status())) return job.status();
  if (absl::IsUnavailable(job.status())) {
    session.err() << "headscope: lost the server; job " << id << " is kept and goes on when the server does\n";
  } else {
    session.err() << "headscope: job " << id << " cannot be followed; it goes on\n";
  }
  PrintWayBack(session.err(), id);
  return job.status();
}

bool IsRefusal(const client::Failure& failure) {
  return failure.reason == "INVALID_SAMPLES" || failure.reason == "INVALID_OPTIONS";
}

std::string LocateByIndex(std::uint32_t index) { return absl::StrCat("sample ", index); }

absl::StatusOr<int> ReportEnd(Session& session, client::Client& client, const client::Job& job,
                              const SampleLocator& locate) {
  if (job.state == client::JobState::kSucceeded) return kDone;
  session.err() << "headscope: job " << job.id << " " << client::NameOf(job.state);
  if (!job.failure) {
    session.err() << "\n";
    return kFailed;
  }
  session.err() << ": " << job.failure->reason << ": " << Printable(job.failure->message) << "\n";
  if (job.invalid_samples > 0) {
    if (absl::Status status = PrintInvalidSamples(session, client, job.id, locate); !status.ok()) return status;
  }
  if (job.failure->reason == "INVALID_SAMPLES") {
    session.err() << "  correct these rows, or leave them out with --on-invalid skip\n";
  }
  return IsRefusal(*job.failure) ? kRefused : kFailed;
}

void ReportSkipped(Session& session, const client::Job& job) {
  if (job.invalid_samples == 0) return;
  session.err() << "headscope: " << Count(job.invalid_samples, "sample")
                << " left out; the provenance of --format json lists what and why\n";
}

}  // namespace headscope::cli
