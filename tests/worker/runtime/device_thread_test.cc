#include "worker/runtime/device_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

TEST(DeviceThreadTest, RunsEverythingOnOneThreadThatIsNotTheCallers) {
  DeviceThread device(1);
  const std::thread::id first = device.Run([] { return std::this_thread::get_id(); });
  std::thread::id second;
  std::thread other([&] { second = device.Run([] { return std::this_thread::get_id(); }); });
  other.join();
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST(DeviceThreadTest, GivesItsThreadTheComputeThreads) {
  DeviceThread device(2);
  EXPECT_EQ(device.Run([] { return ComputeThreads(); }), 2);
}

TEST(DeviceThreadTest, RunsClosuresOneAfterTheOther) {
  DeviceThread device(1);
  int running = 0;
  int most = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        device.Run([&] {
          most = std::max(most, ++running);
          --running;
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(most, 1);
}

TEST(DeviceThreadTest, ReturnsValuesThatOnlyMove) {
  DeviceThread device(1);
  EXPECT_EQ(*device.Run([] { return std::make_unique<int>(7); }), 7);
}

}  // namespace
}  // namespace headscope::worker
