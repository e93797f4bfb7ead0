// What is computed from patterns in one answer, over the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/analysis_fixture.h"

namespace headscope::server {
namespace {

using testing::HasSubstr;

TEST_F(AnalysisRpcTest, DescribesAnInlinePattern) {
  v1::DescribePatternRequest request;
  *request.mutable_pattern() = Inline({4, 1, 3, 2}, 1, 4, "file.npy");
  request.set_top(2);
  ASSERT_TRUE(Describe(request).ok());
  EXPECT_DOUBLE_EQ(description_.dispersion().gini().value(), 0.25);
  EXPECT_FALSE(description_.dispersion().gini().has_interval());
  EXPECT_EQ(description_.pattern().display_name(), "file.npy");
  EXPECT_EQ(description_.bootstrap().resamples(), 0u);
  ASSERT_EQ(description_.top_heads_size(), 2);
  EXPECT_EQ(description_.top_heads(0).head(), 0u);
  EXPECT_EQ(description_.total().value(), 10);
}

TEST_F(AnalysisRpcTest, DescribesAJobWithIntervalsFromItsSamples) {
  const std::string job = Job();
  v1::DescribePatternRequest request;
  *request.mutable_pattern() = Named("jobs/" + job);
  request.mutable_bootstrap()->set_seed(3);
  ASSERT_TRUE(Describe(request).ok());
  EXPECT_EQ(description_.bootstrap().resamples(), 1000u);
  EXPECT_EQ(description_.pattern().name(), "patterns/p-" + job.substr(2));
  EXPECT_EQ(description_.pattern().samples_scored(), 5u);
  const v1::TopHead& top = description_.top_heads(0);
  EXPECT_LE(top.interval().low(), top.value());
  EXPECT_GE(top.interval().high(), top.value());
  EXPECT_GT(top.standard_error(), 0);
  EXPECT_GT(top.stability(), 0);
  EXPECT_TRUE(description_.dispersion().gini().has_interval());
  const std::string first = description_.SerializeAsString();
  ASSERT_TRUE(Describe(request).ok());
  EXPECT_EQ(description_.SerializeAsString(), first) << "the seed decides";
  request.mutable_bootstrap()->set_resamples(0);
  ASSERT_TRUE(Describe(request).ok());
  EXPECT_FALSE(description_.dispersion().gini().has_interval());
}

TEST_F(AnalysisRpcTest, ADifferenceWithItselfIsZero) {
  const std::string job = Job();
  v1::DescribePatternRequest request;
  *request.mutable_pattern() = Named(job);
  *request.mutable_pattern()->mutable_minus() = Named("patterns/p-" + job.substr(2));
  request.mutable_bootstrap()->set_resamples(0);
  ASSERT_TRUE(Describe(request).ok());
  EXPECT_EQ(description_.total().value(), 0);
  EXPECT_FALSE(description_.dispersion().gini().has_value()) << "nothing to share out";
  EXPECT_EQ(description_.pattern().minus().name(), "patterns/p-" + job.substr(2));
}

TEST_F(AnalysisRpcTest, UnknownUnfinishedAndBadReferencesAreToldApart) {
  v1::DescribePatternRequest request;
  *request.mutable_pattern() = Named("patterns/p-0000000000000000");
  EXPECT_EQ(ReasonOf(Describe(request)), "PATTERN_NOT_FOUND");
  *request.mutable_pattern() = Named("jobs/" + harness_.Submit(1));
  EXPECT_EQ(ReasonOf(Describe(request)), "JOB_NOT_SUCCEEDED");
  *request.mutable_pattern() = Named("somewhere");
  EXPECT_EQ(FieldsOf(Describe(request)), std::vector<std::string>{"pattern.name"});
  *request.mutable_pattern() = Named(Import(kFirst));
  request.mutable_pattern()->mutable_reduction();
  EXPECT_EQ(ReasonOf(Describe(request)), "REDUCTION_NOT_APPLICABLE");
}

TEST_F(AnalysisRpcTest, LostValuesAreNamed) {
  const std::string name = Import(kFirst);
  const auto record = harness_.OnStore([&](JobStore& store) { return *store.GetPattern(name.substr(9)); });
  ASSERT_TRUE(harness_.blobs().Remove(record.blob).ok());
  v1::DescribePatternRequest request;
  *request.mutable_pattern() = Named(name);
  const grpc::Status status = Describe(request);
  EXPECT_EQ(ReasonOf(status), "SCORES_LOST");
  EXPECT_THAT(status.error_message(), HasSubstr(name));
}

TEST_F(AnalysisRpcTest, DecomposesAChange) {
  v1::DecomposePatternRequest request;
  std::vector<double> mixed(8);
  for (std::size_t i = 0; i < 8; ++i) mixed[i] = 10 + 2 * kFirst[i] + 0.5 * kSecond[i];
  *request.mutable_target() = Inline(mixed);
  *request.mutable_target()->mutable_minus() = Inline(std::vector<double>(8, 10));
  *request.add_basis() = Inline(kFirst, 2, 4, "first");
  *request.add_basis() = Inline(kSecond, 2, 4, "second");
  request.set_rank_subsets(true);
  v1::DecomposePatternResponse answer;
  ASSERT_TRUE(harness_.patterns().DecomposePattern(Context().get(), request, &answer).ok());
  EXPECT_NEAR(answer.coefficients(0).value(), 2, 1e-12);
  EXPECT_NEAR(answer.coefficients(1).value(), 0.5, 1e-12);
  EXPECT_TRUE(answer.coefficients(0).has_interval());
  EXPECT_NEAR(answer.quality().r2_centred(), 1, 1e-12);
  EXPECT_FALSE(answer.has_intercept());
  EXPECT_EQ(answer.subsets_size(), 3);
  EXPECT_EQ(answer.vif_size(), 2);
  EXPECT_EQ(answer.fit(), v1::FIT_OLS);
  EXPECT_EQ(answer.intervals(), v1::COEFFICIENT_INTERVALS_BOOTSTRAP_HEADS);
  EXPECT_EQ(answer.permutation().permutations(), 1000u);
  EXPECT_TRUE(answer.has_permutation_null());
  EXPECT_EQ(answer.basis(1).display_name(), "second");
  request.set_fit(v1::FIT_NNLS);
  request.set_intervals(v1::COEFFICIENT_INTERVALS_OLS_STANDARD_ERROR);
  EXPECT_EQ(ReasonOf(harness_.patterns().DecomposePattern(Context().get(), request, &answer)), "INTERVAL_NOT_DEFINED");
  request.clear_intervals();
  *request.add_basis() = Inline(kFirst);
  EXPECT_EQ(ReasonOf(harness_.patterns().DecomposePattern(Context().get(), request, &answer)), "COLLINEAR_BASIS");
  request.clear_basis();
  EXPECT_EQ(FieldsOf(harness_.patterns().DecomposePattern(Context().get(), request, &answer)),
            std::vector<std::string>{"basis"});
}

TEST_F(AnalysisRpcTest, TracksPatterns) {
  v1::TrackPatternsRequest request;
  *request.add_patterns() = Inline({1, 2, 3}, 1, 3);
  *request.add_patterns() = Inline({3, 2, 1}, 1, 3);
  *request.add_patterns() = Inline({2, 2, 2}, 1, 3);
  v1::TrackPatternsResponse answer;
  ASSERT_TRUE(harness_.patterns().TrackPatterns(Context().get(), request, &answer).ok());
  ASSERT_EQ(answer.points_size(), 3);
  EXPECT_FALSE(answer.points(0).has_against_previous());
  EXPECT_DOUBLE_EQ(answer.points(1).against_first().pearson(), -1);
  EXPECT_FALSE(answer.points(2).against_first().has_pearson()) << "constant";
  EXPECT_DOUBLE_EQ(answer.points(2).against_previous().mse(), 2.0 / 3);
}

TEST_F(AnalysisRpcTest, PlansAMixture) {
  v1::PlanMixtureRequest request;
  request.set_budget(10);
  for (const double coefficient : {0.6, -0.2, 0.3}) {
    request.add_components()->set_coefficient(coefficient);
  }
  request.mutable_components(2)->set_cap(3);
  v1::PlanMixtureResponse answer;
  ASSERT_TRUE(harness_.patterns().PlanMixture(Context().get(), request, &answer).ok());
  EXPECT_EQ(answer.shares(0).samples(), 7u);
  EXPECT_EQ(answer.shares(1).samples(), 0u);
  EXPECT_TRUE(answer.shares(1).clipped());
  EXPECT_EQ(answer.shares(2).samples(), 3u);
  EXPECT_EQ(answer.shares(1).name(), "components[1]");
  request.clear_components();
  EXPECT_EQ(FieldsOf(harness_.patterns().PlanMixture(Context().get(), request, &answer)),
            std::vector<std::string>{"components"});
}

}  // namespace
}  // namespace headscope::server
