#include "client/cli/numbers.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace headscope::cli {
namespace {

TEST(ExactNumberTest, ReadsBackAsTheSameNumber) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, -2.5e17, 5e-324, 0.0}) {
    EXPECT_EQ(std::strtod(ExactNumber(value).c_str(), nullptr), value);
  }
  EXPECT_EQ(ExactNumber(0.1), "0.1");
  EXPECT_EQ(ExactNumber(-2), "-2");
}

TEST(ShortNumberTest, KeepsFourDigits) {
  EXPECT_EQ(ShortNumber(0.29347663), "0.2935");
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(1.23456e-5), "1.235e-05");
}

TEST(CountTest, UsesThePluralExceptForOne) {
  EXPECT_EQ(Count(0, "sample"), "0 samples");
  EXPECT_EQ(Count(1, "sample"), "1 sample");
}

TEST(ShortBytesTest, ChoosesTheUnit) {
  EXPECT_EQ(ShortBytes(0), "0 B");
  EXPECT_EQ(ShortBytes(1023), "1023 B");
  EXPECT_EQ(ShortBytes(1536), "1.5 KiB");
  EXPECT_EQ(ShortBytes(std::uint64_t{124} << 20), "124 MiB");
}

TEST(ShortDurationTest, RoundsUpToSeconds) {
  EXPECT_EQ(ShortDuration(absl::ZeroDuration()), "0 s");
  EXPECT_EQ(ShortDuration(absl::Milliseconds(3100)), "4 s");
  EXPECT_EQ(ShortDuration(absl::Seconds(123)), "2 min 03 s");
  EXPECT_EQ(ShortDuration(absl::Minutes(65)), "1 h 05 min");
}

TEST(TokenRateTest, ShowsADigitOnlyWhereItIsSlow) {
  EXPECT_EQ(TokenRate(118.4), "118 tokens/s");
  EXPECT_EQ(TokenRate(2.25), "2.2 tokens/s");
}

TEST(UtcTimeTest, IsRfc3339) {
  EXPECT_EQ(UtcTime(absl::FromUnixMillis(1'700'000'000'250)), "2023-11-14T22:13:20.250Z");
  EXPECT_EQ(UtcTime(std::nullopt), "");
}

}  // namespace
}  // namespace headscope::cli
