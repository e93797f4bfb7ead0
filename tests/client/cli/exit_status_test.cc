#include "client/cli/exit_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "proto/support/error.h"

namespace headscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ExitStatusTest, FollowsTheContract) {
  EXPECT_EQ(ExitStatusOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitStatusOf(absl::InternalError("")), 1);
  EXPECT_EQ(ExitStatusOf(absl::CancelledError("")), 1);
  EXPECT_EQ(ExitStatusOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitStatusOf(absl::FailedPreconditionError("")), 2);
  EXPECT_EQ(ExitStatusOf(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitStatusOf(absl::DeadlineExceededError("")), 3);
  EXPECT_EQ(ExitStatusOf(MakeError(absl::StatusCode::kDeadlineExceeded, "", "RANKING_IDLE")), 1) << "it answered";
  EXPECT_EQ(ExitStatusOf(absl::NotFoundError("")), 4);
  EXPECT_EQ(ExitStatusOf(absl::ResourceExhaustedError("")), 5);
  EXPECT_EQ(ExitStatusOf(absl::PermissionDeniedError("")), 5);
  EXPECT_EQ(ExitStatusOf(absl::UnauthenticatedError("")), 5);
}

std::string Printed(const absl::Status& status) {
  std::ostringstream err;
  PrintError(err, status, "127.0.0.1:1", "jobs");
  return err.str();
}

TEST(PrintErrorTest, ListsFieldViolationsAndTheDelay) {
  const absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, "bad request",
                                        {"BAD", {{"spec.model", "is empty"}}, absl::Seconds(3)});

  EXPECT_EQ(Printed(status),
            "headscope: bad request\n"
            "  --model: is empty\n"
            "  try again in 3s\n");
}

TEST(PrintErrorTest, DoesNotRepeatWhatTheMessageSays) {
  EXPECT_EQ(Printed(MakeError(absl::StatusCode::kInvalidArgument, "spec.model: is empty",
                              {"BAD", {{"spec.model", "is empty"}}, {}})),
            "headscope: --model: is empty\n");
}

TEST(PrintErrorTest, SaysHowToStartAServerOnlyWhereNoneAnswered) {
  EXPECT_THAT(Printed(absl::UnavailableError("x")), HasSubstr("headscope-server --data-dir"));
  EXPECT_THAT(Printed(MakeError(absl::StatusCode::kUnavailable, "x", "DRAINING")), Not(HasSubstr("headscope-server")));
}

TEST(PrintErrorTest, SaysHowToStartAWorkerWhereNoneIsThere) {
  const std::string text = Printed(MakeError(absl::StatusCode::kUnavailable, "x", "NO_WORKER"));
  EXPECT_THAT(text, HasSubstr("--local-workers 1"));
  EXPECT_THAT(text, HasSubstr("headscope-worker --server HOST:PORT"));
}

TEST(PrintErrorTest, BlamesTheServerForSilenceOnlyWhereItWasSilent) {
  EXPECT_THAT(Printed(absl::DeadlineExceededError("x")), HasSubstr("did not answer in time"));
  EXPECT_THAT(Printed(MakeError(absl::StatusCode::kDeadlineExceeded, "x", "TOKENIZE_TIMEOUT")),
              Not(HasSubstr("did not answer")));
}

TEST(PrintErrorTest, PointsToTheHelpAfterAMistake) {
  EXPECT_EQ(Printed(UsageError("x")), "headscope: x\n  see `headscope jobs --help`\n");
}

}  // namespace
}  // namespace headscope::cli
