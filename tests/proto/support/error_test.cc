#include "proto/support/error.h"

#include <gtest/gtest.h>

namespace headscope {
namespace {

TEST(ErrorTest, DetailsSurviveInsideAStatus) {
  const absl::Status status =
      MakeError(absl::StatusCode::kInvalidArgument, "two bad fields",
                {"BAD_FIELDS", {{"spec.model", "empty"}, {"page_size", ""}}, absl::Seconds(2.5)});
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(status.message(), "two bad fields");
  EXPECT_EQ(details.reason, "BAD_FIELDS");
  EXPECT_EQ(details.retry_after, absl::Seconds(2.5));
  ASSERT_EQ(details.violations.size(), 2u);
  EXPECT_EQ(details.violations[0].field, "spec.model");
  EXPECT_EQ(details.violations[0].description, "empty");
  EXPECT_EQ(details.violations[1].description, "");
}

TEST(ErrorTest, PlainStatusHasNoDetails) {
  EXPECT_EQ(ReasonOf(absl::NotFoundError("x")), "");
  EXPECT_FALSE(DetailsOf(absl::OkStatus()).retry_after.has_value());
}

}  // namespace
}  // namespace headscope
