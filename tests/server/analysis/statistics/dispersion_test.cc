#include "server/analysis/statistics/dispersion.h"

#include <cmath>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

using Values = std::vector<double>;

TEST(DispersionTest, AgreesWithSciPy) {
  for (const auto& [name, expected] : Expected()["dispersion"].items()) {
    const Values values = Named(name).values;
    const Dispersion found = DispersionOf(values, 0, false);
    ExpectNear(expected["gini"], found.gini, name + " gini");
    ExpectNear(expected["cv0"], found.cv, name + " cv");
    ExpectNear(expected["cv1"], CoefficientOfVariation(values, 1), name + " cv ddof 1");
    ExpectNear(expected["kurtosis_fisher"], found.kurtosis_fisher, name + " kurtosis");
    ExpectNear(expected["kurtosis_pearson"], found.kurtosis_pearson, name + " Pearson kurtosis");
    ExpectNear(expected["entropy"], found.entropy, name + " entropy");
    ExpectNear(expected["effective_heads"], found.effective_heads, name + " effective heads");
  }
}

TEST(DispersionTest, ByHand) {
  // Mean 2.5; mean absolute difference 1.25, over twice the mean.
  EXPECT_DOUBLE_EQ(*Gini({4, 1, 3, 2}), 0.25);
  EXPECT_DOUBLE_EQ(*CoefficientOfVariation({1, 3}, 0), 0.5);
  EXPECT_DOUBLE_EQ(*CoefficientOfVariation({1, 3}, 1), std::sqrt(2) / 2);
  EXPECT_DOUBLE_EQ(*PearsonKurtosis({-1, 1, -1, 1}), 1);
  EXPECT_DOUBLE_EQ(*Entropy({1, 1, 2}), 1.5 * std::log(2));
}

TEST(DispersionTest, ExtremesAreEqualHeadsAndOneHead) {
  EXPECT_DOUBLE_EQ(*Gini({2, 2, 2, 2}), 0);
  EXPECT_DOUBLE_EQ(*Gini({0, 0, 0, 7}), 0.75);
  EXPECT_DOUBLE_EQ(*Entropy({3, 3, 3, 3}), std::log(4));
  EXPECT_DOUBLE_EQ(*Entropy({0, 5, 0}), 0);
  EXPECT_DOUBLE_EQ(*DispersionOf({0.1, 0.1, 0.1}, 0, false).effective_heads, 3);
}

TEST(DispersionTest, ScaleDoesNotCount) {
  const Values values = Named("lognormal").values;
  const Dispersion found = DispersionOf(values, 0, false);
  const Dispersion scaled = DispersionOf(Scaled(Named("lognormal"), 1e-7).values, 0, false);
  EXPECT_NEAR(*found.gini, *scaled.gini, kTolerance);
  EXPECT_NEAR(*found.cv, *scaled.cv, kTolerance);
  EXPECT_NEAR(*found.kurtosis_fisher, *scaled.kurtosis_fisher, 1e-9);
  EXPECT_NEAR(*found.entropy, *scaled.entropy, kTolerance);
}

TEST(DispersionTest, OfAConstantPattern) {
  // 0.1 has no exact mean: rounding must not pass for spread.
  const Dispersion found = DispersionOf(Values(7, 0.1), 0, false);
  EXPECT_NEAR(*found.gini, 0, 1e-15);
  EXPECT_NEAR(*found.cv, 0, 1e-15);
  EXPECT_FALSE(found.kurtosis_fisher.has_value());
  EXPECT_FALSE(found.kurtosis_pearson.has_value());
}

TEST(DispersionTest, OfZerosNothingIsDefined) {
  const Dispersion found = DispersionOf(Values(4, 0), 0, false);
  for (const auto& value :
       {found.gini, found.cv, found.kurtosis_fisher, found.kurtosis_pearson, found.entropy, found.effective_heads}) {
    EXPECT_FALSE(value.has_value());
  }
}

TEST(DispersionTest, OfOneHead) {
  const Dispersion found = DispersionOf({5}, 0, false);
  EXPECT_EQ(found.gini, 0);
  EXPECT_EQ(found.cv, 0);
  EXPECT_EQ(found.entropy, 0);
  EXPECT_EQ(found.effective_heads, 1);
  EXPECT_FALSE(found.kurtosis_fisher.has_value());
  EXPECT_FALSE(CoefficientOfVariation({5}, 1).has_value());
}

TEST(DispersionTest, ConstantPatternsHaveNoShapeWhateverTheirMeanRoundsTo) {
  for (const double value : {0.1, 0.3, 1.0 / 3, 1e-5, 2.0}) {
    const Dispersion found = DispersionOf(std::vector<double>(144, value), 0, false);
    EXPECT_FALSE(found.kurtosis_fisher.has_value()) << value;
    EXPECT_EQ(found.cv, 0) << value;
  }
}

TEST(DispersionTest, TheSizeOfValuesDoesNotCount) {
  const Dispersion wanted = DispersionOf({1, 2, 3, 5}, 0, false);
  for (const int exponent : {-1000, -600, 600, 1000}) {
    std::vector<double> values = {1, 2, 3, 5};
    for (double& value : values) value = std::ldexp(value, exponent);
    const Dispersion found = DispersionOf(values, 0, false);
    EXPECT_EQ(found.cv, wanted.cv) << exponent;
    EXPECT_EQ(found.kurtosis_pearson, wanted.kurtosis_pearson) << exponent;
    EXPECT_EQ(found.gini, wanted.gini) << exponent;
  }
}

TEST(DispersionTest, NegativeValuesHaveNoSharesUnlessMagnitudesAreAskedFor) {
  const Dispersion plain = DispersionOf({-1, 2, 3, 4}, 0, false);
  EXPECT_FALSE(plain.gini.has_value());
  EXPECT_FALSE(plain.entropy.has_value());
  EXPECT_TRUE(plain.cv.has_value());
  const Dispersion magnitudes = DispersionOf({-1, 2, 3, 4}, 0, true);
  EXPECT_DOUBLE_EQ(*magnitudes.gini, 0.25);
}

}  // namespace
}  // namespace headscope::server
