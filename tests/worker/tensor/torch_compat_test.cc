#include "worker/tensor/torch_compat.h"

#include <thread>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

TEST(TorchCompatTest, CpuIsADevice) {
  const auto device = ParseDevice("cpu");
  ASSERT_TRUE(device.ok());
  EXPECT_TRUE(device->is_cpu());
}

TEST(TorchCompatTest, OtherTextsAreNoDevice) {
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "CPU", "cuda:1000"}) {
    EXPECT_EQ(ParseDevice(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(TorchCompatTest, ADeviceBeyondThoseOfTheMachineIsNamed) {
  const absl::Status status = CheckDevice("cuda:120");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("cuda:120"), absl::string_view::npos);
}

TEST(TorchCompatTest, GradientsOfUnusedInputsAreZero) {
  const at::Tensor used = at::ones({2}).requires_grad_(true);
  const at::Tensor unused = at::ones({3}).requires_grad_(true);
  const auto gradients = Gradients({used * 5}, {used, unused}, {at::tensor({1.0f, 2.0f})});
  EXPECT_TRUE(gradients[0].equal(at::tensor({5.0f, 10.0f})));
  EXPECT_TRUE(gradients[1].equal(at::zeros({3})));
}

TEST(TorchCompatTest, GradModeIsRestored) {
  const at::Tensor leaf = at::ones({1}).requires_grad_(true);
  {
    const GradMode off(false);
    EXPECT_FALSE((leaf * 2).requires_grad());
    {
      const GradMode on(true);
      EXPECT_TRUE((leaf * 2).requires_grad());
    }
    EXPECT_FALSE((leaf * 2).requires_grad());
  }
  EXPECT_TRUE((leaf * 2).requires_grad());
}

TEST(TorchCompatTest, ThreadsAreSetInTheThreadThatComputes) {
  std::thread([] {
    SetComputeThreads(1);
    EXPECT_EQ(ComputeThreads(), 1);
    SetComputeThreads(2);
    EXPECT_EQ(ComputeThreads(), 2);
    SetComputeThreads(0);
    EXPECT_EQ(ComputeThreads(), 1);
  }).join();
}

}  // namespace
}  // namespace headscope::worker
