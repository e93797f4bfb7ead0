#include "server/analysis/statistics/decomposition.h"

#include <gmock/gmock.h>

#include <cmath>

#include "proto/support/error.h"
#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

absl::StatusOr<Decomposition> Fit(const PatternMatrix& target, const std::vector<PatternMatrix>& basis,
                                  const DecomposeOptions& options = {}) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < basis.size(); ++i) names.push_back("b" + std::to_string(i));
  return Decompose(target, basis, names, options, KeepGoing);
}

void ExpectQuality(const nlohmann::json& expected, const FitQuality& found, const std::string& what) {
  ExpectNear(expected["residual_squares"], found.residual_squares, what);
  ExpectNear(expected["r2_centred"], found.r2_centred, what);
  ExpectNear(expected["r2_uncentred"], found.r2_uncentred, what);
  ExpectNear(expected["r2_adjusted"], found.r2_adjusted, what);
}

TEST(DecompositionTest, AgreesWithNumPyAndSciPy) {
  const auto& expected = Expected()["decomposition"];
  std::vector<PatternMatrix> basis;
  for (const std::string name : expected["basis"]) basis.push_back(Named(name));
  for (const auto& one : expected["cases"]) {
    const bool ordinary = one["kind"] == "ols";
    DecomposeOptions options;
    options.fit = ordinary ? FitKind::kOrdinary : FitKind::kNonNegative;
    options.intercept = one["with_intercept"];
    if (ordinary) options.interval = CoefficientInterval::kOlsStandardError;
    const std::string what = one["kind"].get<std::string>() + (options.intercept ? " with intercept" : "");
    const auto found = Fit(Matrix(6, 8, one["target"]), basis, options);
    ASSERT_TRUE(found.ok()) << found.status();
    for (std::size_t i = 0; i < basis.size(); ++i) {
      ExpectNear(one["coefficients"][i], found->coefficients[i].value, what);
      ExpectNear(expected["vif"][i], found->vif[i], "vif");
      if (!ordinary) continue;
      ExpectNear(one["standard_errors"][i], found->coefficients[i].standard_error, what);
      const Interval interval = *found->coefficients[i].interval;
      ExpectNear(one["half_widths"][i], (interval.high - interval.low) / 2, what);
    }
    ExpectQuality(one, found->quality, what);
    if (options.intercept) {
      ExpectNear(one["intercept"], found->intercept->value, what);
      EXPECT_EQ(found->r2_with_intercept, found->quality.r2_centred);
    } else {
      EXPECT_FALSE(found->intercept.has_value());
      EXPECT_GE(*found->r2_with_intercept, *found->quality.r2_centred);
    }
    if (ordinary) {
      ExpectNear(one["condition_number"], found->condition_number, what);
      ExpectNear(one["scaled_condition_number"], found->scaled_condition_number, what);
    }
  }
}

TEST(DecompositionTest, FindsAnExactCombination) {
  const PatternMatrix first = RandomPattern(1);
  const PatternMatrix second = RandomPattern(2);
  PatternMatrix target = first;
  for (std::size_t i = 0; i < target.size(); ++i) target.values[i] = 2 * first.values[i] + 0.5 * second.values[i];
  for (const FitKind kind : {FitKind::kOrdinary, FitKind::kNonNegative}) {
    DecomposeOptions options;
    options.fit = kind;
    options.rank_subsets = true;
    const auto found = Fit(target, {first, RandomPattern(3), second}, options);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_NEAR(found->coefficients[0].value, 2, 1e-10);
    EXPECT_NEAR(found->coefficients[1].value, 0, 1e-10);
    EXPECT_NEAR(found->coefficients[2].value, 0.5, 1e-10);
    EXPECT_NEAR(*found->quality.r2_centred, 1, 1e-12);
    for (const double residual : found->residuals.values) EXPECT_NEAR(residual, 0, 1e-9);
    // All seven; the two that hold the answer before the rest.
    ASSERT_EQ(found->subsets.size(), 7u);
    EXPECT_THAT(found->subsets[0].members, testing::AnyOf(ElementsAre(0, 2), ElementsAre(0, 1, 2)));
    EXPECT_THAT(found->subsets[1].members, testing::AnyOf(ElementsAre(0, 2), ElementsAre(0, 1, 2)));
    EXPECT_LT(*found->subsets[2].quality.r2_adjusted, 0.999);
  }
}

TEST(DecompositionTest, UncentredR2MisleadsWhereTheCentredOneDoesNot) {
  // Unrelated positive patterns.
  std::vector<PatternMatrix> basis;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) basis.push_back(RandomPattern(seed, 16, 16));
  DecomposeOptions options;
  options.permutation = Permutation{199, Shuffle::kWithinLayers, 1};
  const auto found = Fit(RandomPattern(99, 16, 16), basis, options);
  ASSERT_TRUE(found.ok());
  EXPECT_GT(*found->quality.r2_uncentred, 0.5);
  EXPECT_LT(*found->quality.r2_centred, 0.1);
  EXPECT_LT(*found->r2_with_intercept, 0.1);
  EXPECT_GT(found->permutation->p_value, 0.02);
}

TEST(DecompositionTest, PermutationNullTellsACombination) {
  const PatternMatrix first = RandomPattern(1);
  const PatternMatrix second = RandomPattern(2);
  PatternMatrix target = RandomPattern(3);
  for (std::size_t i = 0; i < target.size(); ++i) target.values[i] = 0.2 * target.values[i] + first.values[i];
  for (const FitKind kind : {FitKind::kOrdinary, FitKind::kNonNegative}) {
    DecomposeOptions options;
    options.fit = kind;
    options.intercept = true;
    options.permutation = Permutation{99, Shuffle::kWithinLayers, 1};
    const auto found = Fit(target, {first, second}, options);
    EXPECT_DOUBLE_EQ(found->permutation->p_value, 0.01);
    EXPECT_GT(*found->quality.r2_centred, found->permutation->quantile_95);
    EXPECT_LT(found->permutation->mean, found->permutation->quantile_95);
  }
}

TEST(DecompositionTest, BootstrapOverHeadsHoldsTheTruth) {
  const PatternMatrix first = RandomPattern(1, 8, 32);
  const PatternMatrix second = RandomPattern(2, 8, 32);
  const PatternMatrix noise = RandomPattern(3, 8, 32);
  PatternMatrix target = first;
  for (std::size_t i = 0; i < target.size(); ++i) {
    target.values[i] = 2 * first.values[i] + second.values[i] + 0.3 * noise.values[i];
  }
  DecomposeOptions options;
  options.intercept = true;
  options.interval = CoefficientInterval::kBootstrapHeads;
  options.bootstrap = {300, 0.99, 4};
  const auto found = Fit(target, {first, second}, options);
  ASSERT_TRUE(found.ok());
  EXPECT_LT(found->coefficients[0].interval->low, 2);
  EXPECT_GT(found->coefficients[0].interval->high, 2);
  EXPECT_LT(found->coefficients[1].interval->low, 1);
  EXPECT_GT(found->coefficients[1].interval->high, 1);
  EXPECT_TRUE(found->intercept->interval.has_value());
  EXPECT_FALSE(found->coefficients[0].standard_error.has_value());
}

TEST(DecompositionTest, ScalingABasisPatternScalesItsCoefficient) {
  const PatternMatrix target = RandomPattern(1);
  const auto plain = Fit(target, {RandomPattern(2), RandomPattern(3)});
  const auto scaled = Fit(target, {Scaled(RandomPattern(2), 1e-6), RandomPattern(3)});
  EXPECT_NEAR(scaled->coefficients[0].value * 1e-6, plain->coefficients[0].value, 1e-9);
  EXPECT_NEAR(*scaled->quality.r2_centred, *plain->quality.r2_centred, 1e-9);
  EXPECT_NEAR(scaled->scaled_condition_number, plain->scaled_condition_number, 1e-6);
  EXPECT_NEAR(scaled->vif[0], plain->vif[0], 1e-9);
}

TEST(DecompositionTest, WhatIsNotDetermedIsRefusedByName) {
  const PatternMatrix first = RandomPattern(1);
  DecomposeOptions with_intercept;
  with_intercept.intercept = true;
  DecomposeOptions non_negative;
  non_negative.fit = FitKind::kNonNegative;
  non_negative.interval = CoefficientInterval::kOlsStandardError;
  const PatternMatrix constant = Matrix(4, 8, std::vector<double>(32, 0.1));
  EXPECT_EQ(ReasonOf(Fit(first, {}).status()), "NO_BASIS");
  EXPECT_EQ(ReasonOf(Fit(first, {first, Scaled(first, 3)}).status()), "COLLINEAR_BASIS");
  EXPECT_EQ(ReasonOf(Fit(first, {Scaled(first, 0)}).status()), "COLLINEAR_BASIS");
  EXPECT_EQ(ReasonOf(Fit(first, {constant}, with_intercept).status()), "COLLINEAR_BASIS");
  EXPECT_TRUE(Fit(first, {constant}).ok());
  EXPECT_EQ(ReasonOf(Fit(Matrix(1, 1, {1}), {Matrix(1, 1, {2})}).status()), "TOO_FEW_HEADS");
  EXPECT_EQ(ReasonOf(Fit(first, {RandomPattern(2)}, non_negative).status()), "INTERVAL_NOT_DEFINED");
  DecomposeOptions subsets;
  subsets.rank_subsets = true;
  EXPECT_EQ(ReasonOf(Fit(first, std::vector<PatternMatrix>(13, first), subsets).status()), "TOO_MANY_SUBSETS");
}

TEST(DecompositionTest, ConstantAndZeroTargetsHaveNoR2) {
  const auto constant = Fit(Matrix(4, 8, std::vector<double>(32, 0.1)), {RandomPattern(1)});
  EXPECT_FALSE(constant->quality.r2_centred.has_value());
  EXPECT_TRUE(constant->quality.r2_uncentred.has_value());
  const auto zero = Fit(Matrix(4, 8, std::vector<double>(32, 0)), {RandomPattern(1)});
  EXPECT_FALSE(zero->quality.r2_uncentred.has_value());
  EXPECT_EQ(zero->coefficients[0].value, 0);
}

TEST(DecompositionTest, CancellationEndsIt) {
  DecomposeOptions options;
  options.permutation = Permutation{};
  const auto stop = [] { return absl::CancelledError("gone"); };
  EXPECT_TRUE(absl::IsCancelled(Decompose(RandomPattern(1), {RandomPattern(2)}, {"b"}, options, stop).status()));
}

}  // namespace
}  // namespace headscope::server
