#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "server/store/io_pool.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_executor.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

class StoreExecutorTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<JobStore> store_ = *OpenSqliteStore(directory_.path(), clock_, random_);
};

TEST_F(StoreExecutorTest, RunsInOrderOnOneThreadOfItsOwn) {
  StoreExecutor executor(*store_);
  std::vector<int> order;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(executor.Post([&, i](JobStore& store) {
      EXPECT_EQ(&store, store_.get());
      order.push_back(i);
      threads.insert(std::this_thread::get_id());
    }));
  }
  EXPECT_TRUE(order.empty()) << "nothing runs before Start";
  executor.Start();
  executor.Stop();
  ASSERT_EQ(order.size(), 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
  EXPECT_EQ(threads.size(), 1);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_F(StoreExecutorTest, StopRunsWhatIsQueuedAndRefusesTheRest) {
  StoreExecutor executor(*store_);
  executor.Start();
  absl::Notification entered;
  absl::Notification go_on;
  std::atomic<bool> ran = false;
  executor.Post([&](JobStore&) {
    entered.Notify();
    go_on.WaitForNotification();
  });
  executor.Post([&](JobStore&) { ran = true; });
  entered.WaitForNotification();
  std::thread stopper([&] { executor.Stop(); });
  while (executor.Post([](JobStore&) {})) std::this_thread::yield();
  EXPECT_FALSE(ran);
  go_on.Notify();
  stopper.join();
  EXPECT_TRUE(ran);
}

TEST_F(StoreExecutorTest, WorkMayPostWork) {
  StoreExecutor executor(*store_);
  executor.Start();
  absl::Notification done;
  executor.Post([&](JobStore&) { executor.Post([&](JobStore&) { done.Notify(); }); });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST(IoPoolTest, RunsOnSeveralThreadsAtOnce) {
  IoPool pool(2);
  pool.Start();
  absl::Notification first;
  absl::Notification second;
  // Each waits for the other: one thread alone would never get through.
  pool.Post([&] {
    first.Notify();
    EXPECT_TRUE(second.WaitForNotificationWithTimeout(absl::Seconds(30)));
  });
  pool.Post([&] {
    second.Notify();
    EXPECT_TRUE(first.WaitForNotificationWithTimeout(absl::Seconds(30)));
  });
  pool.Stop();
}

TEST(IoPoolTest, DropsPostsAfterStop) {
  IoPool pool(1);
  pool.Start();
  pool.Stop();
  EXPECT_FALSE(pool.Post([] { FAIL() << "ran after Stop"; }));
}

}  // namespace
}  // namespace headscope::server
