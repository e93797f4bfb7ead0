#include "worker/app/shutdown_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace headscope::worker {
namespace {

TEST(ShutdownWatchTest, SeesSignals) {
  ShutdownWatch watch(-1);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(watch.Wait(), ShutdownWatch::Event::kTerminate);
  ::kill(::getpid(), SIGINT);
  EXPECT_EQ(watch.Wait(), ShutdownWatch::Event::kTerminate);
}

TEST(ShutdownWatchTest, SeesThatTheParentIsGone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ShutdownWatch watch(ends[0]);
  watch.Wake("still there");
  EXPECT_EQ(watch.Wait(), ShutdownWatch::Event::kWoken);
  ::close(ends[1]);
  EXPECT_EQ(watch.Wait(), ShutdownWatch::Event::kParentGone);
  ::close(ends[0]);
}

TEST(ShutdownWatchTest, KeepsTheLastWord) {
  ShutdownWatch watch(-1);
  EXPECT_EQ(watch.word(), "");
  watch.Wake("because");
  watch.Wake("");
  EXPECT_EQ(watch.Wait(), ShutdownWatch::Event::kWoken);
  EXPECT_EQ(watch.word(), "because");
}

}  // namespace
}  // namespace headscope::worker
