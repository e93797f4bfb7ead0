#include "client/cli/progress_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const absl::Time kStart = absl::FromUnixSeconds(1000);

ProgressState Running(std::uint64_t tokens_done, absl::Duration since_start) {
  ProgressState state;
  state.name = "j-1";
  state.state = client::JobState::kRunning;
  state.progress = {312, 1319, tokens_done, 4000, 0, std::nullopt};
  state.start_time = kStart;
  state.time = kStart + since_start;
  return state;
}

TEST(ProgressTest, TokensPerSecondAreTokensOverWallTime) {
  EXPECT_DOUBLE_EQ(*TokensPerSecond(Running(1000, absl::Seconds(8))), 125);
  EXPECT_FALSE(TokensPerSecond(Running(0, absl::Seconds(8))).has_value());
  EXPECT_FALSE(TokensPerSecond(Running(1000, absl::ZeroDuration())).has_value());
}

TEST(ProgressTest, RemainingTimeIsTheServersOrFollowsFromTheRate) {
  ProgressState state = Running(1000, absl::Seconds(8));
  EXPECT_EQ(*Remaining(state), absl::Seconds(24));
  state.progress.eta = absl::Seconds(5);
  EXPECT_EQ(*Remaining(state), absl::Seconds(5));
  state.state = client::JobState::kSucceeded;
  EXPECT_FALSE(Remaining(state).has_value());
}

TEST(ProgressTest, TextTellsStateSamplesRateAndTimeLeft) {
  EXPECT_EQ(ProgressText(Running(1000, absl::Seconds(8))), "RUNNING  312/1319 samples  125 tokens/s  24 s left");
}

TEST(ProgressTest, TextTellsWhyNothingHappens) {
  ProgressState state = Running(0, absl::ZeroDuration());
  state.state = client::JobState::kQueued;
  state.blocked_reason = "no worker holds the model";

  EXPECT_EQ(ProgressText(state), "QUEUED  312/1319 samples  (no worker holds the model)");
}

TEST(ProgressTest, BarNeverReachesTheEdgeOfTheTerminal) {
  const ProgressState state = Running(1000, absl::Seconds(8));

  EXPECT_THAT(ProgressBar(state, 200), StartsWith("[#####-------------------] RUNNING"));
  EXPECT_EQ(ProgressBar(state, 63), "[##-------] RUNNING  312/1319 samples  125 tokens/s  24 s left");
  EXPECT_EQ(ProgressBar(state, 40).size(), 39);
}

client::JobUpdate SnapshotUpdate(client::JobState state, std::uint64_t samples) {
  client::JobUpdate update;
  update.time = kStart + absl::Seconds(1);
  update.snapshot.emplace();
  update.snapshot->state = state;
  update.snapshot->progress.samples_done = samples;
  update.snapshot->start_time = kStart;
  return update;
}

class ProgressViewTest : public ::testing::Test {
 protected:
  ProgressView View(bool is_terminal) { return ProgressView(err_, {is_terminal, 80}, clock_, "j-1"); }

  std::ostringstream err_;
  StillClock clock_;
};

TEST_F(ProgressViewTest, PrintsPlainLinesEveryFewSecondsAndOnNews) {
  ProgressView view = View(false);

  view.Update(SnapshotUpdate(client::JobState::kRunning, 1));
  view.Update(SnapshotUpdate(client::JobState::kRunning, 2));
  clock_.now += absl::Seconds(5);
  view.Update(SnapshotUpdate(client::JobState::kRunning, 3));
  view.Update(SnapshotUpdate(client::JobState::kSucceeded, 4));

  EXPECT_EQ(err_.str(),
            "headscope: j-1  RUNNING  1/0 samples\n"
            "headscope: j-1  RUNNING  3/0 samples\n"
            "headscope: j-1  SUCCEEDED  4/0 samples\n");
}

TEST_F(ProgressViewTest, RedrawsOneLineOnATerminal) {
  ProgressView view = View(true);

  view.Update(SnapshotUpdate(client::JobState::kRunning, 1));
  view.Update(SnapshotUpdate(client::JobState::kRunning, 2));
  view.Close();

  const std::string text = err_.str();
  EXPECT_THAT(text, StartsWith("\r\x1b[K[---"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(ProgressViewTest, RateOfAFinishedJobEndsWithIt) {
  ProgressView view = View(false);
  client::JobUpdate update = SnapshotUpdate(client::JobState::kSucceeded, 2);
  update.snapshot->progress.tokens_done = 100;
  update.snapshot->end_time = kStart + absl::Seconds(4);
  update.time = kStart + absl::Hours(1);

  view.Update(update);

  EXPECT_THAT(err_.str(), HasSubstr("25 tokens/s"));
}

}  // namespace
}  // namespace headscope::cli
