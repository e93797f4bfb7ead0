#include "client/cli/follow_sweep.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_status.h"
#include "client/cli/follow.h"
#include "client/cli/progress_view.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

void PrintWayBack(std::ostream& err, const std::string& id) {
  err << "  come back to it with `headscope sweep " << id << "`\n";
}

std::string Fate(const client::SweepCell& cell) {
  if (cell.job.empty()) return "its job was deleted";
  std::string fate = absl::StrCat("job ", cell.job, " ", client::NameOf(cell.state));
  if (cell.failure) absl::StrAppend(&fate, ": ", cell.failure->reason, ": ", Printable(cell.failure->message));
  if (cell.failure && cell.failure->reason == "INVALID_SAMPLES") {
    absl::StrAppend(&fate, "; `headscope watch ", cell.job, "` lists them");
  }
  return fate;
}

}  // namespace

absl::StatusOr<std::optional<client::Sweep>> FollowSweep(Session& session, client::Client& client,
                                                         const std::string& id) {
  const Environment& environment = session.environment();
  ProgressView view(session.err(), {environment.err_is_terminal, environment.width}, *environment.clock, id);
  client::LongCall hooks = session.Hooks();
  hooks.on_retry = [&view](const absl::Status& why, absl::Duration delay) {
    view.Note(
        absl::StrCat("the connection broke (", why.message(), "); trying again in ", absl::FormatDuration(delay)));
  };
  auto sweep = client.FollowSweep(
      id, [&view](const client::Sweep& seen) { view.Update(seen); }, hooks);
  view.Close();
  if (sweep.ok()) return std::optional<client::Sweep>(*std::move(sweep));
  if (absl::IsCancelled(sweep.status()) && session.interrupted()) {
    session.err() << "headscope: detached; sweep " << id << " goes on\n";
    PrintWayBack(session.err(), id);
    return std::optional<client::Sweep>();
  }
  if (absl::IsUnavailable(sweep.status())) {
    session.err() << "headscope: lost the server; sweep " << id << " is kept and goes on when the server does\n";
    PrintWayBack(session.err(), id);
  }
  return sweep.status();
}

int ReportEnd(Session& session, const client::Sweep& sweep) {
  int exit_status = kDone;
  bool complete = true;
  for (const client::SweepCell& cell : sweep.cells) {
    if (cell.state == client::JobState::kSucceeded) continue;
    complete = false;
    session.err() << "headscope: " << Printable(cell.task) << " on " << Printable(cell.model) << ": " << Fate(cell)
                  << "\n";
    // What it had come to is in the sweep's state.
    if (cell.job.empty()) continue;
    const bool refused = cell.failure && IsRefusal(*cell.failure) && exit_status != kFailed;
    exit_status = refused ? kRefused : kFailed;
  }
  if (exit_status == kDone && sweep.state != client::JobState::kSucceeded) exit_status = kFailed;
  if (!complete) {
    session.err() << "  `headscope sweep " << sweep.id << " --retry` computes what is missing and keeps the rest\n";
  }
  return exit_status;
}

}  // namespace headscope::cli
