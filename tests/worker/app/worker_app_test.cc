#include "worker/app/worker_app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using testing::AllOf;
using testing::HasSubstr;

int RunProgram(const std::vector<std::string>& arguments) {
  return RunWorker(arguments, [](const std::string&) { return std::nullopt; });
}

TEST(WorkerAppTest, TeachesItsUse) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunProgram({"--help"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("--model-root"), HasSubstr("HEADSCOPE_WORKER_DEVICE"), HasSubstr("SIGTERM")));
}

TEST(WorkerAppTest, NamesItsVersionAndLibTorchs) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunProgram({"--version"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), AllOf(HasSubstr("headscope-worker "), HasSubstr("LibTorch ")));
}

TEST(WorkerAppTest, RefusesWhatCannotWork) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunProgram({}), 2);
  EXPECT_EQ(RunProgram({"--model-root", "/no/such/root"}), 2);
  EXPECT_EQ(RunProgram({"--model-root", "/", "--device", "abacus"}), 2);
  EXPECT_EQ(RunProgram({"--modelroot", "/"}), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("/no/such/root"), HasSubstr("abacus"), HasSubstr("--model-root")));
}

}  // namespace
}  // namespace headscope::worker
