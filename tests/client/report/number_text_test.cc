#include "client/report/number_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace headscope::report {
namespace {

TEST(NumberTextTest, GivesSignificantDigits) {
  EXPECT_EQ(NumberText(0.0123456), "0.01235");
  EXPECT_EQ(NumberText(-0.5), "−0.5");
  EXPECT_EQ(NumberText(0.0123456, 2), "0.012");
  EXPECT_EQ(NumberText(0.0), "0");
  EXPECT_EQ(NumberText(-0.0), "0");
}

TEST(NumberTextTest, KeepsExponentsShort) {
  EXPECT_EQ(NumberText(1.2345e-5), "1.234e−5");
  EXPECT_EQ(NumberText(-3e-120), "−3e−120");
  EXPECT_EQ(NumberText(6e23), "6e23");
  EXPECT_EQ(NumberText(1e100), "1e100");
}

TEST(NumberTextTest, ShowsADashForWhatIsNotDefined) {
  EXPECT_EQ(NumberText(std::nan("")), "–");
  EXPECT_EQ(NumberText(std::nullopt), "–");
  EXPECT_EQ(FixedText(std::nan("")), "–");
  EXPECT_EQ(FixedText(std::nullopt), "–");
  EXPECT_EQ(NumberText(INFINITY), "∞");
  EXPECT_EQ(NumberText(-INFINITY), "−∞");
}

TEST(FixedTextTest, HasThreeDecimals) {
  EXPECT_EQ(FixedText(0.87349), "0.873");
  EXPECT_EQ(FixedText(-1.0), "−1.000");
  EXPECT_EQ(FixedText(-0.0001), "0.000");
}

TEST(IntervalTextTest, NamesBothEnds) {
  EXPECT_EQ(IntervalText(client::Interval{-0.1234, 2}), "−0.123 to 2");
  EXPECT_EQ(IntervalText(std::nullopt), "");
}

TEST(CountTextTest, KnowsTheSingular) {
  EXPECT_EQ(CountText(1, "head"), "1 head");
  EXPECT_EQ(CountText(0, "head"), "0 heads");
}

TEST(CoordinateTest, IsPlainForMarkup) {
  EXPECT_EQ(Coordinate(12), "12");
  EXPECT_EQ(Coordinate(-0.001), "0");
  EXPECT_EQ(Coordinate(-1.505), "-1.5");
  EXPECT_EQ(Coordinate(100), "100");
}

}  // namespace
}  // namespace headscope::report
