#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/headscope/client.h"
#include "tests/client/demo_messages.h"
#include "tests/client/fake_server.h"

namespace headscope::client {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using tests::DemoSweep;

class SweepsTest : public ::testing::Test {
 protected:
  SweepsTest() {
    ClientOptions options;
    options.initial_backoff = absl::Milliseconds(1);
    options.max_backoff = absl::Milliseconds(2);
    options.give_up_after = absl::Milliseconds(50);
    client_ = *Client::Connect(server_.address(), options);
  }

  tests::FakeState& state() { return server_.state(); }

  tests::FakeServer server_;
  std::unique_ptr<Client> client_;
};

TEST_F(SweepsTest, SubmitsModelsAndDatasetsWithOneRequestId) {
  state().sweep = DemoSweep(v1::Job::QUEUED);
  SweepRequest request;
  request.spec.models = {"base", "models/run/checkpoint-1"};
  request.spec.datasets = {{std::string(64, 'a'), "copy"}};
  request.spec.compute.max_tokens = 9;
  request.spec.reduction.positions = Positions::kResponse;
  request.spec.execution.batch_tokens = 64;
  request.spec.labels = {{"run", "7"}};
  const auto sweep = client_->SubmitSweep(request);
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->id, "s-1");
  ASSERT_THAT(state().sweeps_submitted, SizeIs(1));
  const v1::SubmitSweepRequest& sent = state().sweeps_submitted[0];
  EXPECT_NE(sent.request_id(), "");
  EXPECT_THAT(sent.spec().models(), ElementsAre("models/base", "models/run/checkpoint-1"));
  EXPECT_EQ(sent.spec().datasets(0).dataset(), "datasets/" + std::string(64, 'a'));
  EXPECT_EQ(sent.spec().datasets(0).task(), "copy");
  EXPECT_EQ(sent.spec().compute().max_tokens(), 9u);
  EXPECT_EQ(sent.spec().reduction().positions(), v1::POSITIONS_RESPONSE);
  EXPECT_EQ(sent.spec().execution().batch_tokens(), 64u);
  EXPECT_EQ(sent.spec().labels().at("run"), "7");
}

TEST_F(SweepsTest, ReadsEveryCell) {
  state().sweep = DemoSweep(v1::Job::FAILED);
  state().sweep.mutable_cells(0)->mutable_failure()->set_reason("INTERNAL");
  const auto sweep = client_->GetSweep("s-1");
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->state, JobState::kFailed);
  EXPECT_EQ(sweep->counts.failed, 2u);
  EXPECT_EQ(sweep->progress.samples_total, 4u);
  ASSERT_THAT(sweep->cells, SizeIs(2));
  EXPECT_EQ(sweep->cells[1].model, "demo");
  EXPECT_EQ(sweep->cells[1].task, "sort");
  EXPECT_EQ(sweep->cells[1].job, "j-2");
  EXPECT_EQ(sweep->cells[0].failure->reason, "INTERNAL");
  EXPECT_FALSE(sweep->cells[1].failure.has_value());
}

TEST_F(SweepsTest, FollowsToTheEndOverBrokenConnections) {
  state().sweep = DemoSweep(v1::Job::SUCCEEDED);
  state().sweep_steps = {DemoSweep(v1::Job::QUEUED), DemoSweep(v1::Job::RUNNING)};
  state().sweep_breaks = 1;
  std::vector<JobState> seen;
  const auto sweep = client_->FollowSweep("s-1", [&](const Sweep& step) { seen.push_back(step.state); });
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->state, JobState::kSucceeded);
  EXPECT_THAT(seen, ElementsAre(JobState::kQueued, JobState::kRunning, JobState::kSucceeded));
}

TEST_F(SweepsTest, GivesUpOnAServerThatStaysAway) {
  state().sweep = DemoSweep(v1::Job::RUNNING);
  state().sweep_breaks = 1'000'000;
  EXPECT_TRUE(absl::IsUnavailable(client_->FollowSweep("s-1", {}).status()));
}

TEST_F(SweepsTest, StopsFollowingWhenItsCallerDoes) {
  state().sweep = DemoSweep(v1::Job::RUNNING);
  LongCall hooks;
  hooks.keep_going = [] { return false; };
  EXPECT_TRUE(absl::IsCancelled(client_->FollowSweep("s-1", {}, hooks).status()));
  EXPECT_TRUE(absl::IsNotFound(client_->FollowSweep("s-2", {}).status()));
}

TEST_F(SweepsTest, ListsRetriesCancelsAndDeletes) {
  state().sweep = DemoSweep(v1::Job::RUNNING);
  EXPECT_THAT(*client_->ListSweeps({{"run", "7"}}, 3), SizeIs(1));
  EXPECT_EQ(state().sweeps_listed[0].labels().at("run"), "7");
  EXPECT_EQ(state().sweeps_listed[0].page_size(), 3u);
  EXPECT_EQ(client_->CancelSweep("s-1")->state, JobState::kCancelled);
  EXPECT_TRUE(client_->RetrySweep("sweeps/s-1").ok());
  EXPECT_THAT(state().sweeps_retried, ElementsAre("sweeps/s-1"));
  EXPECT_TRUE(client_->DeleteSweep("s-1", true).ok());
  EXPECT_TRUE(state().sweeps_deleted.at(0).keep_jobs());
}

}  // namespace
}  // namespace headscope::client
