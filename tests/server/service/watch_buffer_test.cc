#include "server/service/watch_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::server {
namespace {

using testing::ElementsAre;

JobEvent Event(std::uint64_t sequence, std::variant<JobChanged, LiveProgress, Attempt> event) {
  return {sequence, absl::FromUnixSeconds(1), std::move(event)};
}

std::vector<std::uint64_t> Drain(WatchBuffer& buffer) {
  std::vector<std::uint64_t> sequences;
  while (const auto event = buffer.Pop()) sequences.push_back(event->sequence);
  return sequences;
}

TEST(WatchBufferTest, OfProgressAndChangesOnlyTheNewestWait) {
  WatchBuffer buffer;
  buffer.Push(Event(1, LiveProgress{1, 1}));
  buffer.Push(Event(2, JobChanged{}));
  buffer.Push(Event(3, Attempt{}));
  buffer.Push(Event(4, LiveProgress{2, 2}));
  buffer.Push(Event(5, Attempt{}));
  buffer.Push(Event(6, JobChanged{true}));
  EXPECT_THAT(Drain(buffer), ElementsAre(3, 4, 5, 6));
}

TEST(WatchBufferTest, OverflowLeavesOneChangeForAllThatIsLost) {
  WatchBuffer buffer;
  for (int i = 1; i <= 65; ++i) buffer.Push(Event(i, Attempt{}));
  const auto event = buffer.Pop();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->sequence, 65u);
  EXPECT_TRUE(std::holds_alternative<JobChanged>(event->event));
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(WatchBufferTest, StartingOverIsNotOlderThanWhatWaited) {
  WatchBuffer buffer;
  buffer.Push(Event(9, Attempt{}));
  buffer.StartOver(7, absl::FromUnixSeconds(1));
  EXPECT_THAT(Drain(buffer), ElementsAre(9));
}

}  // namespace
}  // namespace headscope::server
