#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "proto/support/limits.h"
#include "tests/server/service/service_harness.h"
#include "tests/server/service/watcher.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

// Waits for what another thread is about to do.
bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(WatchRpcTest, StartsWithASnapshotAndEndsWithTheLast) {
  ServiceHarness harness;
  const std::string id = harness.Submit(3);
  Watcher watcher(harness, id);
  const auto first = watcher.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->snapshot().state(), v1::Job::QUEUED);
  harness.RunJob(id);
  const auto rest = watcher.Rest();
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back().snapshot().state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(rest.back().snapshot().progress().samples_done(), 3u);
  EXPECT_TRUE(watcher.Finish().ok());
  std::uint64_t sequence = first->sequence();
  for (const auto& message : rest) {
    EXPECT_GE(message.sequence(), sequence);
    sequence = message.sequence();
  }
}

TEST(WatchRpcTest, ResumesAfterASequenceWithoutLossOrRepeat) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  std::uint64_t seen = 0;
  {
    Watcher watcher(harness, id);
    ASSERT_TRUE(watcher.Next()->has_snapshot());
    harness.events().Publish(id, AttemptOn(0));
    harness.events().Publish(id, AttemptOn(1));
    const auto message = watcher.Next();
    ASSERT_TRUE(message->has_attempt());
    EXPECT_EQ(message->attempt().shard(), 0u);
    seen = message->sequence();
  }
  harness.events().Publish(id, AttemptOn(2));
  Watcher again(harness, id, seen);
  for (const std::uint32_t shard : {1u, 2u}) {
    const auto message = again.Next();
    ASSERT_TRUE(message.has_value());
    ASSERT_TRUE(message->has_attempt());
    EXPECT_EQ(message->attempt().shard(), shard);
    EXPECT_GT(message->sequence(), seen);
  }
}

TEST(WatchRpcTest, SequenceOfAnotherLifeOfTheServerStartsOver) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  // Boot 6: the harness is boot 7.
  Watcher watcher(harness, id, (std::uint64_t{6} << 32) + 5);
  EXPECT_TRUE(watcher.Next()->has_snapshot());
}

TEST(WatchRpcTest, EndedJobIsOneSnapshotAlsoForOneWhoHasSeenAll) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  harness.RunJob(id);
  Watcher watcher(harness, id);
  const auto messages = watcher.Rest();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].snapshot().state(), v1::Job::SUCCEEDED);
  EXPECT_TRUE(watcher.Finish().ok());
  Watcher again(harness, id, messages[0].sequence());
  const auto repeated = again.Rest();
  ASSERT_FALSE(repeated.empty());
  EXPECT_EQ(repeated.back().snapshot().state(), v1::Job::SUCCEEDED);
  EXPECT_TRUE(again.Finish().ok());
}

TEST(WatchRpcTest, ProgressHasTotalsAndNeverGoesBack) {
  ServiceHarness harness;
  const std::string id = harness.Submit(4);
  harness.Complete(*harness.Claim(id));
  const auto lease = harness.Claim(id);
  Watcher watcher(harness, id);
  ASSERT_TRUE(watcher.Next()->has_snapshot());
  harness.clock().Advance(absl::Seconds(10));
  harness.events().Publish(id, LiveProgress{2, 80});
  auto message = watcher.Next();
  ASSERT_TRUE(message->has_progress());
  EXPECT_EQ(message->progress().samples_done(), 2u);
  EXPECT_EQ(message->progress().samples_total(), 4u);
  EXPECT_EQ(message->progress().tokens_total(), 160u);
  EXPECT_EQ(message->progress().eta().seconds(), 10);
  harness.events().Publish(id, LiveProgress{1, 40});
  message = watcher.Next();
  EXPECT_EQ(message->progress().tokens_done(), 80u);
}

TEST(WatchRpcTest, SilenceIsFilledWithHeartbeats) {
  ServiceHarness harness({absl::Milliseconds(20)});
  const std::string id = harness.Submit(1);
  Watcher watcher(harness, id);
  const auto snapshot = watcher.Next();
  for (int i = 0; i < 3; ++i) {
    const auto message = watcher.Next();
    ASSERT_TRUE(message.has_value());
    EXPECT_TRUE(message->has_heartbeat());
    EXPECT_EQ(message->sequence(), snapshot->sequence());
  }
}

TEST(WatchRpcTest, SlowWatcherGetsFewerEventsAndTheLastSnapshot) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  Watcher watcher(harness, id);
  ASSERT_TRUE(watcher.Next()->has_snapshot());
  constexpr std::uint32_t kEvents = 100'000;
  for (std::uint32_t i = 0; i < kEvents; ++i) harness.events().Publish(id, AttemptOn(i));
  harness.RunJob(id);
  const auto messages = watcher.Rest();
  EXPECT_LT(messages.size(), kEvents / 2);
  EXPECT_EQ(messages.back().snapshot().state(), v1::Job::SUCCEEDED);
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchRpcTest, VanishedWatcherIsForgotten) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  Watcher watcher(harness, id);
  ASSERT_TRUE(watcher.Next().has_value());
  EXPECT_EQ(harness.events().watcher_count(), 1u);
  watcher.Cancel();
  EXPECT_TRUE(Eventually([&] { return harness.events().watcher_count() == 0; }));
}

TEST(WatchRpcTest, CancelledJobEndsTheStream) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  Watcher watcher(harness, id);
  ASSERT_TRUE(watcher.Next().has_value());
  v1::CancelJobRequest cancel;
  cancel.set_name(id);
  v1::CancelJobResponse cancelled;
  ASSERT_TRUE(harness.attribution().CancelJob(Context().get(), cancel, &cancelled).ok());
  const auto rest = watcher.Rest();
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back().snapshot().state(), v1::Job::CANCELLED);
}

TEST(WatchRpcTest, UnknownJobIsNotFound) {
  ServiceHarness harness;
  Watcher watcher(harness, "j-0000000000000000");
  EXPECT_FALSE(watcher.Next().has_value());
  const grpc::Status status = watcher.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "JOB_NOT_FOUND");
}

TEST(WatchRpcTest, WatchersAreLimited) {
  ServiceHarness harness;
  const std::string id = harness.Submit(1);
  std::vector<std::unique_ptr<JobEvents::Subscription>> others;
  for (std::size_t i = 0; i < kMaxWatchers; ++i) {
    others.push_back(harness.events().Subscribe("j-other", std::nullopt, [](const JobEvent&) {}));
  }
  Watcher watcher(harness, id);
  EXPECT_FALSE(watcher.Next().has_value());
  const grpc::Status status = watcher.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_WATCHERS");
  EXPECT_TRUE(DetailsOf(status).retry_after.has_value());
}

}  // namespace
}  // namespace headscope::server
