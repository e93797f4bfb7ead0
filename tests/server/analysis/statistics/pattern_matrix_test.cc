#include "server/analysis/statistics/pattern_matrix.h"

#include <gmock/gmock.h>

#include <cmath>

#include "proto/support/error.h"
#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PatternMatrixTest, SaysWhereAValueIsNotFinite) {
  const absl::Status status = CheckPattern(Matrix(2, 3, {1, 2, 3, 4, 5, NAN}), "patterns[1]");
  EXPECT_EQ(ReasonOf(status), "BAD_PATTERN");
  EXPECT_THAT(std::string(status.message()), HasSubstr("patterns[1]"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("layer 1, head 2"));
  EXPECT_FALSE(CheckPattern(Matrix(1, 1, {INFINITY}), "p").ok());
}

TEST(PatternMatrixTest, RefusesEmptyAndShortOnes) {
  EXPECT_EQ(ReasonOf(CheckPattern(Matrix(0, 4, {}), "p")), "BAD_PATTERN");
  EXPECT_EQ(ReasonOf(CheckPattern(Matrix(2, 2, {1, 2, 3}), "p")), "BAD_PATTERN");
  EXPECT_TRUE(CheckPattern(Matrix(1, 1, {0}), "p").ok());
}

TEST(PatternMatrixTest, OtherShapesAreNamedBoth) {
  const absl::Status status = CheckSameShape(RandomPattern(1, 2, 6), "a", RandomPattern(1, 3, 4), "b");
  EXPECT_EQ(ReasonOf(status), "SHAPE_MISMATCH");
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 x 6"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("3 x 4"));
}

TEST(PatternMatrixTest, LayerMeansGo) {
  EXPECT_THAT(WithoutLayerMeans(Matrix(2, 2, {1, 3, 10, 20})).values, ElementsAre(-1, 1, -5, 5));
}

TEST(PatternMatrixTest, EqualValuesOfALayerBecomeExactlyZero) {
  EXPECT_THAT(WithoutLayerMeans(Matrix(1, 3, {0.1, 0.1, 0.1})).values, ElementsAre(0, 0, 0));
  EXPECT_THAT(WithoutLayerMeans(Matrix(3, 1, {1, 2, 3})).values, ElementsAre(0, 0, 0));
}

TEST(PatternMatrixTest, DifferenceIsMinuendLessSubtrahend) {
  EXPECT_THAT(Difference(Matrix(1, 2, {5, 1}), Matrix(1, 2, {2, 3})).values, ElementsAre(3, -2));
}

}  // namespace
}  // namespace headscope::server
