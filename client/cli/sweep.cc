// headscope sweep: every model on every file, and how alike the patterns are.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/analysis_flags.h"
#include "client/cli/command.h"
#include "client/cli/follow_sweep.h"
#include "client/cli/sweep_comparison.h"
#include "client/cli/sweep_output.h"
#include "client/cli/sweep_request.h"
#include "proto/support/limits.h"

namespace headscope::cli {
namespace {

// Pearson as in the paper; Spearman beside it, since a few large heads settle Pearson.
absl::StatusOr<client::CompareOptions> ReadComparison(const Arguments& arguments) {
  client::CompareOptions options;
  options.measures = {client::Measure::kPearson, client::Measure::kSpearman};
  if (absl::Status status = ReadMeasures(arguments, options); !status.ok()) return status;
  options.allow_different_models = arguments.Has("allow-different-models");
  return options;
}

// Shows what there is, and compares it.
absl::StatusOr<int> Show(Session& session, client::Client& client, const client::Sweep& sweep,
                         const client::CompareOptions& options) {
  const auto comparisons = CompareCells(session, client, sweep, options);
  if (!comparisons.ok()) return comparisons.status();
  PrintSweep(session, sweep, *comparisons);
  return kDone;
}

absl::StatusOr<int> FollowAndShow(Session& session, client::Client& client, const std::string& id,
                                  const client::CompareOptions& options) {
  const auto sweep = FollowSweep(session, client, id);
  if (!sweep.ok()) return sweep.status();
  if (!*sweep) return kDetached;
  const int exit_status = ReportEnd(session, **sweep);
  const auto shown = Show(session, client, **sweep, options);
  return shown.ok() ? exit_status : shown;
}

absl::StatusOr<int> Start(Session& session, const Arguments& arguments, const client::CompareOptions& options) {
  auto request = ReadNewSweep(arguments);
  if (!request.ok()) return request.status();
  const auto sweep = SubmitSweep(session, *request);
  if (absl::IsCancelled(sweep.status()) && session.interrupted()) {
    session.err() << "headscope: stopped before a sweep was made\n";
    return kDetached;
  }
  if (!sweep.ok()) return sweep.status();
  if (!*sweep) return kRefused;
  if (arguments.Has("detach")) {
    PrintSweepId(session, (*sweep)->id);
    return kDone;
  }
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  return FollowAndShow(session, **client, (*sweep)->id, options);
}

absl::Status CheckReturn(const Arguments& arguments) {
  if (arguments.positionals().size() != 1) {
    return UsageError("sweep needs --models GLOB and --data FILE, or the ID of a sweep");
  }
  if (arguments.Has("retry") && arguments.Has("cancel")) return UsageError("--retry and --cancel exclude each other");
  for (const Flag& flag : NewSweepFlags()) {
    if (!arguments.Has(flag.name)) continue;
    return UsageError(absl::StrCat("--", flag.name, " belongs to a new sweep, which --models makes; ",
                                   arguments.positionals()[0], " is one that there is"));
  }
  return absl::OkStatus();
}

// To a sweep that there is.
absl::StatusOr<int> Return(Session& session, const Arguments& arguments, const client::CompareOptions& options) {
  if (absl::Status status = CheckReturn(arguments); !status.ok()) return status;
  const std::string& id = arguments.positionals()[0];
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  if (arguments.Has("cancel")) {
    const auto sweep = (*client)->CancelSweep(id);
    if (!sweep.ok()) return sweep.status();
    PrintSweep(session, *sweep, {});
    return kDone;
  }
  const auto sweep = arguments.Has("retry") ? (*client)->RetrySweep(id) : (*client)->GetSweep(id);
  if (!sweep.ok()) return sweep.status();
  if (!arguments.Has("detach")) return FollowAndShow(session, **client, sweep->id, options);
  return Show(session, **client, *sweep, options);
}

absl::StatusOr<int> Run(Session& session, const Arguments& arguments) {
  const auto options = ReadComparison(arguments);
  if (!options.ok()) return options.status();
  if (!arguments.Has("models")) return Return(session, arguments, *options);
  for (const char* flag : {"retry", "cancel"}) {
    if (arguments.Has(flag)) return UsageError(absl::StrCat("--", flag, " needs the ID of a sweep, and no --models"));
  }
  return Start(session, arguments, *options);
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = NewSweepFlags();
  for (const Flag& flag : MeasureFlags("pearson,spearman")) flags.push_back(flag);
  flags.push_back({"allow-different-models", "", "compare patterns of one shape whatever their architectures"});
  flags.push_back({"detach", "", "do not wait: print a new sweep's id, or what there is of one"});
  flags.push_back({"retry", "", "of a sweep that there is: let go on what failed or was cancelled, make anew what was deleted"});
  flags.push_back({"cancel", "", "of a sweep that there is: stop everything that has not ended"});
  return flags;
}

}  // namespace

const Command& SweepCommand() {
  static const Command command = {
      "sweep",
      "[ID|FILE...]",
      0,
      kMaxSweepCells,
      "score many models on many files, and compare the patterns",
      "Queues a job for every model on every file, all at once or none, follows them with one progress, and\n"
      "prints the cells with their jobs and patterns, and how alike the patterns are: a labelled matrix for every\n"
      "measure. Checkpoints of a series come in the order of their steps. Every cell is an ordinary job: jobs,\n"
      "watch, result and cancel know it, and its pattern has the labels sweep, task and checkpoint.\n\n"
      "Ctrl-C detaches and the sweep goes on; `sweep ID` comes back to it, also after the server was restarted,\n"
      "and shows it once it has ended. --retry lets the cells without a pattern go on and keeps the others and\n"
      "their own jobs' ids. Patterns of different shapes or architectures cannot be compared: each kind has a matrix of its own\n"
      "(JSON: comparisons; comparison where there is one kind alone). CSV has the cells alone.",
      Flags(),
      {"sweep --models demo --data copy.jsonl sort.jsonl", "sweep --models 'base,run/checkpoint-*' --data *.jsonl",
       "sweep --models '*' --data a.jsonl --data b.jsonl --task gsm8k,arc --label run=7 --detach",
       "sweep s-0h3kq8z1v5m2n4p7 --measure pearson --layer-means removed --format json",
       "sweep s-0h3kq8z1v5m2n4p7 --retry"},
      Run};
  return command;
}

}  // namespace headscope::cli
