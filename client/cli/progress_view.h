// Progress of a job or a sweep for people: one line that is redrawn on a terminal, plain lines every few seconds
// elsewhere.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "client/headscope/job.h"
#include "client/headscope/sweep.h"
#include "proto/support/clock.h"

namespace headscope::cli {

// Everything that a progress line tells.
struct ProgressState {
  // Id of the job or sweep.
  std::string name;
  client::JobState state = client::JobState::kUnspecified;
  // Of a sweep: "3/12 cells".
  std::string cells;
  client::Progress progress;
  // Tokens that were done at `start_time`.
  std::uint64_t tokens_before = 0;
  std::string blocked_reason;
  bool cancel_requested = false;
  std::optional<absl::Time> start_time;
  // Of what is known; of a job by the server's clock.
  absl::Time time = absl::InfinitePast();
};

// Real tokens per second of wall time since `start_time`; nothing while there is nothing to divide.
std::optional<double> TokensPerSecond(const ProgressState& state);
// The server's estimate, or tokens left over the rate so far.
std::optional<absl::Duration> Remaining(const ProgressState& state);
// "RUNNING  312/1319 samples  118 tokens/s  2 min 03 s left"
std::string ProgressText(const ProgressState& state);
// The same behind a bar, cut to `width` columns.
std::string ProgressBar(const ProgressState& state, int width);

struct ProgressStyle {
  bool is_terminal = false;
  int width = 80;
};

// Single-thread.
class ProgressView {
 public:
  // All outlive this.
  ProgressView(std::ostream& err, ProgressStyle style, const Clock& clock, std::string name);

  void Update(const client::JobUpdate& update);
  // Rate and time left are those since the first update: how long cells take differs from model to model, and a sweep
  // may have been retried.
  void Update(const client::Sweep& sweep);
  // A line of its own, between the progress.
  void Note(const std::string& text);
  // Ends the redrawn line.
  void Close();

 private:
  void Take(const client::JobUpdate& update);
  void Take(const client::Sweep& sweep);
  void Show();

  std::ostream& err_;
  const ProgressStyle style_;
  const Clock& clock_;
  ProgressState state_;
  // Of a sweep, at the first update.
  std::uint64_t samples_before_ = 0;
  // What the last plain line said, and when.
  client::JobState printed_state_ = client::JobState::kUnspecified;
  std::string printed_reason_;
  absl::Time printed_at_ = absl::InfinitePast();
  bool line_is_open_ = false;
};

}  // namespace headscope::cli
