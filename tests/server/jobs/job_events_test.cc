#include "server/jobs/job_events.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/fakes/fake_clock.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobEventsTest : public ::testing::Test {
 protected:
  JobEvents::Callback Collect() {
    return [this](const JobEvent& event) {
      sequences_.push_back(event.sequence);
      done_.push_back(std::get<LiveProgress>(event.event).samples_done);
    };
  }
  void Publish(const std::string& job, std::uint64_t samples_done) {
    events_.Publish(job, LiveProgress{samples_done, 0});
  }

  FakeClock clock_;
  JobEvents events_{clock_, 5};
  std::vector<std::uint64_t> sequences_;
  std::vector<std::uint64_t> done_;
};

TEST_F(JobEventsTest, SubscribersHearOfTheirJobOnly) {
  const auto subscription = events_.Subscribe("a", std::nullopt, Collect());
  Publish("a", 1);
  Publish("b", 2);
  Publish("a", 3);
  EXPECT_THAT(done_, ElementsAre(1, 3));
  EXPECT_EQ(sequences_[0] >> 32, 5) << "the boot number";
  EXPECT_LT(subscription->start_sequence, sequences_[0]);
  EXPECT_LT(sequences_[0], sequences_[1]);
}

TEST_F(JobEventsTest, EventsCarryTheirKindAndTime) {
  std::vector<JobEvent> heard;
  const auto subscription =
      events_.Subscribe("a", std::nullopt, [&](const JobEvent& event) { heard.push_back(event); });
  clock_.Advance(absl::Seconds(3));
  Attempt attempt;
  attempt.worker = "w";
  events_.Publish("a", attempt);
  events_.Publish("a", JobChanged{true});
  EXPECT_EQ(heard[0].time, clock_.Now());
  EXPECT_EQ(std::get<Attempt>(heard[0].event).worker, "w");
  EXPECT_TRUE(std::get<JobChanged>(heard[1].event).ended);
}

TEST_F(JobEventsTest, AFirstSubscriberGetsNoOldEvents) {
  Publish("a", 1);
  const auto subscription = events_.Subscribe("a", std::nullopt, Collect());
  EXPECT_FALSE(subscription->resumed);
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(JobEventsTest, AResumingSubscriberMissesNothing) {
  {
    const auto subscription = events_.Subscribe("a", std::nullopt, Collect());
    Publish("a", 1);
  }
  Publish("a", 2);
  Publish("a", 3);
  const std::uint64_t last = sequences_.back();
  const auto subscription = events_.Subscribe("a", last, Collect());
  EXPECT_TRUE(subscription->resumed);
  EXPECT_EQ(subscription->start_sequence, last);
  Publish("a", 4);
  EXPECT_THAT(done_, ElementsAre(1, 2, 3, 4));
}

TEST_F(JobEventsTest, ResumingAtTheStartOfAQuietSubscriptionWorks) {
  const auto first = events_.Subscribe("a", std::nullopt, Collect());
  Publish("a", 1);
  const auto second = events_.Subscribe("a", first->start_sequence, Collect());
  EXPECT_TRUE(second->resumed);
  EXPECT_THAT(done_, ElementsAre(1, 1));
}

TEST_F(JobEventsTest, OnlyTheLast256EventsAreRemembered) {
  Publish("a", 0);
  std::uint64_t first = 0;
  {
    const auto subscription = events_.Subscribe("a", std::nullopt, Collect());
    Publish("a", 1);
    first = sequences_.front();
  }
  for (int i = 0; i < 256; ++i) Publish("a", 2);
  done_.clear();
  EXPECT_TRUE(events_.Subscribe("a", first, Collect())->resumed);
  EXPECT_EQ(done_.size(), 256);
  Publish("a", 3);
  done_.clear();
  const auto late = events_.Subscribe("a", first, Collect());
  EXPECT_FALSE(late->resumed) << "the event after `first` is forgotten";
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(JobEventsTest, SequencesOfAnotherBootOrOfTheFutureAreNotResumed) {
  Publish("a", 1);
  EXPECT_FALSE(events_.Subscribe("a", (std::uint64_t{4} << 32) + 9, Collect())->resumed);
  EXPECT_FALSE(events_.Subscribe("a", (std::uint64_t{5} << 32) + 9, Collect())->resumed);
  EXPECT_FALSE(events_.Subscribe("a", ~std::uint64_t{0}, Collect())->resumed);
}

TEST_F(JobEventsTest, AForgottenJobIsNotResumed) {
  Publish("a", 1);
  const auto before = events_.Subscribe("a", std::nullopt, Collect());
  Publish("a", 2);
  events_.Forget("a");
  EXPECT_FALSE(events_.Subscribe("a", before->start_sequence, Collect())->resumed);
  Publish("a", 3);
  EXPECT_THAT(done_, ElementsAre(2, 3)) << "who is there still hears";
}

TEST_F(JobEventsTest, WatchersAreCounted) {
  EXPECT_EQ(events_.watcher_count(), 0);
  auto first = events_.Subscribe("a", std::nullopt, Collect());
  auto second = events_.Subscribe("b", std::nullopt, Collect());
  EXPECT_EQ(events_.watcher_count(), 2);
  first.reset();
  EXPECT_EQ(events_.watcher_count(), 1);
  Publish("a", 1);
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(JobEventsTest, ACallbackMayPublishAndEndItsSubscription) {
  std::unique_ptr<JobEvents::Subscription> subscription;
  int calls = 0;
  subscription = events_.Subscribe("a", std::nullopt, [&](const JobEvent&) {
    if (++calls == 1) {
      Publish("a", 2);
    } else {
      subscription.reset();
    }
  });
  Publish("a", 1);
  Publish("a", 3);
  EXPECT_EQ(calls, 2);
}

TEST_F(JobEventsTest, ASubscriptionMayOutliveTheEvents) {
  auto events = std::make_unique<JobEvents>(clock_, 6);
  const auto subscription = events->Subscribe("a", std::nullopt, Collect());
  events.reset();
}

TEST_F(JobEventsTest, EndingASubscriptionWaitsForItsCallback) {
  absl::Notification entered;
  absl::Notification go_on;
  std::atomic<bool> returned = false;
  auto subscription = events_.Subscribe("a", std::nullopt, [&](const JobEvent&) {
    entered.Notify();
    go_on.WaitForNotification();
    returned = true;
  });
  std::thread publisher([&] { Publish("a", 1); });
  entered.WaitForNotification();
  std::thread ender([&] {
    subscription.reset();
    EXPECT_TRUE(returned);
  });
  go_on.Notify();
  publisher.join();
  ender.join();
}

TEST_F(JobEventsTest, ManyPublishersKeepEverySubscribersOrder) {
  absl::Mutex mutex;
  std::vector<std::uint64_t> heard;
  const auto subscription = events_.Subscribe("a", std::nullopt, [&](const JobEvent& event) {
    absl::MutexLock lock(&mutex);
    heard.push_back(event.sequence);
  });
  std::vector<std::thread> publishers;
  for (int i = 0; i < 4; ++i) {
    publishers.emplace_back([&] {
      for (int event = 0; event < 500; ++event) Publish("a", 1);
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_EQ(heard.size(), 2000);
  EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
}

}  // namespace
}  // namespace headscope::server
