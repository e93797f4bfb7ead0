#include "worker/tensor/torch_guard.h"

#include <new>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(TorchGuardTest, ReturnsWhatTheFunctionReturns) {
  EXPECT_EQ(*TorchGuard("counting", [] { return absl::StatusOr<int>(3); }), 3);
  EXPECT_EQ(TorchGuard("counting", [] { return absl::NotFoundError("x"); }).code(), absl::StatusCode::kNotFound);
}

TEST(TorchGuardTest, TorchErrorsBecomeInternalWithoutTheirStack) {
  const absl::Status status = TorchGuard("adding", []() -> absl::Status {
    at::add(at::ones({2}), at::ones({3}));
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message().find("frame #"), absl::string_view::npos);
  EXPECT_EQ(status.message().substr(0, 6), "adding");
}

TEST(TorchGuardTest, AnAllocationThatFailsIsResourceExhausted) {
  const absl::Status status = TorchGuard("allocating", []() -> absl::Status {
    // An exabyte.
    at::empty({std::int64_t{1} << 57}, at::kDouble);
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
}

TEST(TorchGuardTest, BadAllocIsResourceExhausted) {
  const absl::Status status = TorchGuard("allocating", []() -> absl::Status { throw std::bad_alloc(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(TorchGuardTest, OtherExceptionsAreInternal) {
  EXPECT_EQ(TorchGuard("x", []() -> absl::Status { throw std::runtime_error("odd"); }).code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(TorchGuard("x", []() -> absl::Status { throw 3; }).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace headscope::worker
