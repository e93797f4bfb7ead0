#include "client/cli/progress_view.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

constexpr absl::Duration kPlainInterval = absl::Seconds(5);
constexpr char kClearLine[] = "\r\x1b[K";

double SampleShare(const client::Progress& progress) {
  if (progress.samples_total == 0) return 0;
  return std::min(1.0, static_cast<double>(progress.samples_done) / static_cast<double>(progress.samples_total));
}

bool IsOpen(const client::SweepCell& cell) {
  return cell.state != client::JobState::kUnspecified && !client::HasEnded(cell.state);
}

std::uint64_t SamplesLeft(const client::Sweep& sweep) {
  std::uint64_t left = 0;
  for (const client::SweepCell& cell : sweep.cells) {
    if (!IsOpen(cell)) continue;
    left += cell.progress.samples_total - std::min(cell.progress.samples_done, cell.progress.samples_total);
  }
  return left;
}

// Why nothing happens: while some cell runs, something does.
std::string BlockedReason(const client::Sweep& sweep) {
  std::string reason;
  for (const client::SweepCell& cell : sweep.cells) {
    if (!IsOpen(cell)) continue;
    if (cell.blocked_reason.empty()) return "";
    if (reason.empty()) reason = cell.blocked_reason;
  }
  return reason;
}

}  // namespace

std::optional<double> TokensPerSecond(const ProgressState& state) {
  const bool measured = state.start_time && state.progress.tokens_done > state.tokens_before;
  if (!measured || state.time <= *state.start_time) return std::nullopt;
  return static_cast<double>(state.progress.tokens_done - state.tokens_before) /
         absl::ToDoubleSeconds(state.time - *state.start_time);
}

std::optional<absl::Duration> Remaining(const ProgressState& state) {
  if (state.state != client::JobState::kRunning) return std::nullopt;
  if (state.progress.eta) return state.progress.eta;
  const std::optional<double> rate = TokensPerSecond(state);
  if (!rate || state.progress.tokens_total < state.progress.tokens_done) return std::nullopt;
  return absl::Seconds(static_cast<double>(state.progress.tokens_total - state.progress.tokens_done) / *rate);
}

std::string ProgressText(const ProgressState& state) {
  std::string text = absl::StrCat(client::NameOf(state.state), "  ", state.cells, state.cells.empty() ? "" : "  ",
                                  state.progress.samples_done, "/", state.progress.samples_total, " samples");
  if (const auto rate = TokensPerSecond(state)) absl::StrAppend(&text, "  ", TokenRate(*rate));
  if (const auto left = Remaining(state)) absl::StrAppend(&text, "  ", ShortDuration(*left), " left");
  if (state.cancel_requested && !client::HasEnded(state.state)) text += "  (being cancelled)";
  if (!state.blocked_reason.empty()) absl::StrAppend(&text, "  (", Printable(state.blocked_reason), ")");
  return text;
}

std::string ProgressBar(const ProgressState& state, int width) {
  const std::string text = ProgressText(state);
  // On a narrow terminal the bar gives way to the numbers.
  const int room = width - static_cast<int>(DisplayWidth(text)) - 4;
  const int cells = std::clamp(room, 8, 24);
  const int filled = static_cast<int>(SampleShare(state.progress) * cells);
  std::string line = absl::StrCat("[", std::string(static_cast<std::size_t>(filled), '#'),
                                  std::string(static_cast<std::size_t>(cells - filled), '-'), "] ", text);
  // A line that wraps cannot be redrawn.
  if (width > 1 && DisplayWidth(line) >= static_cast<std::size_t>(width)) {
    line.resize(std::min(line.size(), static_cast<std::size_t>(width) - 1));
  }
  return line;
}

ProgressView::ProgressView(std::ostream& err, ProgressStyle style, const Clock& clock, std::string name)
    : err_(err), style_(style), clock_(clock) {
  state_.name = std::move(name);
}

void ProgressView::Take(const client::JobUpdate& update) {
  if (update.progress) state_.progress = *update.progress;
  if (update.snapshot) {
    const client::Job& job = *update.snapshot;
    state_.state = job.state;
    state_.progress = job.progress;
    state_.tokens_before = job.progress.tokens_kept;
    state_.blocked_reason = job.blocked_reason;
    state_.cancel_requested = job.cancel_requested;
    state_.start_time = job.start_time;
  }
  state_.time = std::max(state_.time, update.time);
  if (update.snapshot && update.snapshot->end_time) state_.time = *update.snapshot->end_time;
}

void ProgressView::Take(const client::Sweep& sweep) {
  const absl::Time now = clock_.Now();
  if (!state_.start_time) {
    state_.start_time = now;
    state_.tokens_before = sweep.progress.tokens_done;
    samples_before_ = sweep.progress.samples_done;
  }
  state_.state = sweep.state;
  state_.progress = sweep.progress;
  state_.time = now;
  const client::SweepCounts& counts = sweep.counts;
  state_.cells = absl::StrCat(counts.total - counts.queued - counts.preparing - counts.running, "/", counts.total, " cells");
  state_.blocked_reason = BlockedReason(sweep);
  if (sweep.progress.samples_done > samples_before_) {
    const auto done = static_cast<double>(sweep.progress.samples_done - samples_before_);
    state_.progress.eta = (now - *state_.start_time) * (static_cast<double>(SamplesLeft(sweep)) / done);
  }
}

void ProgressView::Update(const client::JobUpdate& update) {
  Take(update);
  Show();
}

void ProgressView::Update(const client::Sweep& sweep) {
  Take(sweep);
  Show();
}

void ProgressView::Show() {
  if (style_.is_terminal) {
    err_ << kClearLine << ProgressBar(state_, style_.width) << std::flush;
    line_is_open_ = true;
    return;
  }
  const absl::Time now = clock_.Now();
  const bool is_news = state_.state != printed_state_ || state_.blocked_reason != printed_reason_;
  if (!is_news && now - printed_at_ < kPlainInterval) return;
  err_ << "headscope: " << state_.name << "  " << ProgressText(state_) << "\n" << std::flush;
  printed_at_ = now;
  printed_state_ = state_.state;
  printed_reason_ = state_.blocked_reason;
}

void ProgressView::Note(const std::string& text) {
  Close();
  err_ << "headscope: " << Printable(text) << "\n" << std::flush;
}

void ProgressView::Close() {
  if (line_is_open_) err_ << "\n" << std::flush;
  line_is_open_ = false;
}

}  // namespace headscope::cli
