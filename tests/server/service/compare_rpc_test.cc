// Patterns compared over the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <tuple>

#include "tests/server/service/analysis_fixture.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CompareRpcTest : public AnalysisRpcTest {
 protected:
  struct Compared {
    grpc::Status status;
    v1::ComparePatternsResponse::Header header;
    // By measure, layer means removed, quantity.
    std::map<std::tuple<int, bool, int>, std::vector<double>> matrices;
  };
  Compared Compare(const v1::ComparePatternsRequest& request) {
    const auto context = Context();
    const auto reader = harness_.patterns().ComparePatterns(context.get(), request);
    Compared compared;
    v1::ComparePatternsResponse message;
    while (reader->Read(&message)) {
      if (message.has_header()) compared.header = message.header();
      if (!message.has_rows()) continue;
      const auto values = DecodeFloat64(message.rows().values());
      auto& matrix =
          compared
              .matrices[{message.rows().measure(), message.rows().layer_means_removed(), message.rows().quantity()}];
      EXPECT_EQ(matrix.size(), message.rows().first_row() * compared.header.patterns_size());
      matrix.insert(matrix.end(), values->begin(), values->end());
    }
    compared.status = reader->Finish();
    return compared;
  }
};

TEST_F(CompareRpcTest, ComparesManyByEveryMeasure) {
  const std::string job = Job();
  v1::ComparePatternsRequest request;
  *request.add_patterns() = Inline(kFirst);
  *request.add_patterns() = Inline(kSecond);
  *request.add_patterns() = Named(Import(kFirst));
  *request.add_patterns() = Named(job);
  request.set_top_k(2);
  const Compared compared = Compare(request);
  ASSERT_TRUE(compared.status.ok()) << compared.status.error_message();
  EXPECT_EQ(compared.header.patterns_size(), 4);
  EXPECT_EQ(compared.header.top_k(), 2u);
  EXPECT_DOUBLE_EQ(compared.header.top_k_overlap_by_chance(), 0.25);
  EXPECT_EQ(compared.matrices.size(), 16u) << "eight measures, with and without layer means";
  const auto& pearson = compared.matrices.at({v1::MEASURE_PEARSON, false, v1::ComparePatternsResponse::VALUE});
  ASSERT_EQ(pearson.size(), 16u);
  EXPECT_NEAR(pearson[2], 1, 1e-15) << "the imported one is the first";
  EXPECT_EQ(pearson[1], pearson[4]);
  const auto& mse = compared.matrices.at({v1::MEASURE_MSE, false, v1::ComparePatternsResponse::VALUE});
  EXPECT_DOUBLE_EQ(mse[1], (1 + 1 + 1 + 1 + 16 + 1 + 1 + 4) / 8.0);
  const auto& overlap = compared.matrices.at({v1::MEASURE_TOP_K_OVERLAP, false, v1::ComparePatternsResponse::VALUE});
  EXPECT_DOUBLE_EQ(overlap[1], 0.5);
}

TEST_F(CompareRpcTest, ComparesWithIntervalsAndPValues) {
  const std::string job = Job();
  v1::ComparePatternsRequest request;
  *request.add_patterns() = Named(job);
  *request.add_patterns() = Named(job);
  request.add_measures(v1::MEASURE_COSINE);
  request.set_layer_means(v1::LAYER_MEANS_KEPT);
  request.mutable_bootstrap()->set_resamples(50);
  request.set_resampled_unit(v1::RESAMPLED_UNIT_SAMPLES);
  request.mutable_permutation()->set_permutations(20);
  const Compared compared = Compare(request);
  ASSERT_TRUE(compared.status.ok()) << compared.status.error_message();
  ASSERT_EQ(compared.matrices.size(), 4u);
  using Response = v1::ComparePatternsResponse;
  const double low = compared.matrices.at({v1::MEASURE_COSINE, false, Response::INTERVAL_LOW})[1];
  const double high = compared.matrices.at({v1::MEASURE_COSINE, false, Response::INTERVAL_HIGH})[1];
  EXPECT_LT(low, high) << "the two are resampled independently";
  EXPECT_LE(high, 1);
  EXPECT_GE(compared.matrices.at({v1::MEASURE_COSINE, false, Response::P_VALUE})[1], 1.0 / 21);
  EXPECT_TRUE(std::isnan(compared.matrices.at({v1::MEASURE_COSINE, false, Response::P_VALUE})[0]));
  *request.add_patterns() = Inline(kFirst);
  EXPECT_EQ(ReasonOf(Compare(request).status), "NO_SAMPLES");
  request.set_resampled_unit(v1::RESAMPLED_UNIT_HEADS);
  EXPECT_TRUE(Compare(request).status.ok());
}

TEST_F(CompareRpcTest, OtherShapesAndArchitecturesAreRefused) {
  v1::ComparePatternsRequest request;
  *request.add_patterns() = Inline(kFirst, 2, 4, "a");
  *request.add_patterns() = Inline(kFirst, 4, 2, "b");
  const grpc::Status shapes = Compare(request).status;
  EXPECT_EQ(ReasonOf(shapes), "SHAPE_MISMATCH");
  EXPECT_THAT(shapes.error_message(), HasSubstr("2 x 4"));
  EXPECT_THAT(shapes.error_message(), HasSubstr("4 x 2"));
  // The job's model is a llama.
  *request.mutable_patterns(0) = Named(Job());
  *request.mutable_patterns(1) = Inline(kFirst);
  EXPECT_TRUE(Compare(request).status.ok()) << "nothing is known of the other's model";
  request.mutable_patterns(1)->mutable_inline_pattern()->mutable_model()->set_family("gpt2");
  const grpc::Status models = Compare(request).status;
  EXPECT_EQ(ReasonOf(models), "DIFFERENT_MODELS");
  EXPECT_THAT(models.error_message(), HasSubstr("llama"));
  EXPECT_THAT(models.error_message(), HasSubstr("gpt2"));
  request.set_allow_different_models(true);
  EXPECT_TRUE(Compare(request).status.ok());
}

TEST_F(CompareRpcTest, CompareRequestsAreCheckedWhole) {
  v1::ComparePatternsRequest request;
  *request.add_patterns() = Inline(kFirst);
  request.set_rbo_p(1);
  request.add_measures(static_cast<v1::Measure>(99));
  EXPECT_THAT(FieldsOf(Compare(request).status), testing::UnorderedElementsAre("patterns", "rbo_p", "measures[0]"));
  request.clear_measures();
  request.clear_rbo_p();
  *request.add_patterns() = Inline(kSecond);
  request.set_top_k(9);
  EXPECT_EQ(FieldsOf(Compare(request).status), std::vector<std::string>{"top_k"});
}

TEST_F(CompareRpcTest, TooMuchWorkIsRefusedWithWhatIsPossible) {
  v1::ComparePatternsRequest request;
  for (int i = 0; i < 1000; ++i) *request.add_patterns() = Inline(kFirst);
  request.mutable_permutation()->set_permutations(100'000);
  const grpc::Status status = Compare(request).status;
  EXPECT_EQ(ReasonOf(status), "TOO_MUCH_WORK");
  EXPECT_THAT(status.error_message(), HasSubstr("at most"));
}

TEST_F(CompareRpcTest, ACancelledComparisonEnds) {
  v1::ComparePatternsRequest request;
  for (int i = 0; i < 20; ++i) *request.add_patterns() = Inline(kFirst);
  request.mutable_permutation()->set_permutations(90'000);
  const auto context = Context();
  const auto reader = harness_.patterns().ComparePatterns(context.get(), request);
  v1::ComparePatternsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  context->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  // The pool is free again, or this would wait for the comparison.
  v1::DescribePatternRequest describe;
  *describe.mutable_pattern() = Inline(kFirst);
  EXPECT_TRUE(Describe(describe).ok());
}

TEST_F(CompareRpcTest, APatternsShapeIsThatOfItsValues) {
  v1::Reduction grouped;
  grouped.set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  const std::string job = harness_.Submit(kSamples, grouped);
  harness_.RunJob(job, 16 * 1024);
  const std::string name = "patterns/p-" + job.substr(2);

  v1::ListPatternsResponse list;
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.patterns(0).layers(), 2u);
  EXPECT_EQ(list.patterns(0).heads(), 2u);
  v1::GetPatternRequest get;
  get.set_name(name);
  v1::GetPatternResponse got;
  ASSERT_TRUE(harness_.patterns().GetPattern(Context().get(), get, &got).ok());
  EXPECT_EQ(got.pattern().heads(), 2u);
  EXPECT_THAT(got.pattern().values().shape(), ElementsAre(2, 2));
  v1::DescribePatternRequest describe;
  *describe.mutable_pattern() = Named(name);
  ASSERT_TRUE(Describe(describe).ok());
  EXPECT_EQ(description_.heads(), 2u);
  v1::ComparePatternsRequest compare;
  *compare.add_patterns() = Named(name);
  *compare.add_patterns() = Inline({1, 2, 3, 4}, 2, 2);
  const Compared compared = Compare(compare);
  ASSERT_TRUE(compared.status.ok()) << compared.status.error_message();
  EXPECT_EQ(compared.header.heads(), 2u);

  get.mutable_reduction()->set_head_axis(v1::HEAD_AXIS_QUERY);
  ASSERT_TRUE(harness_.patterns().GetPattern(Context().get(), get, &got).ok());
  EXPECT_EQ(got.pattern().heads(), 4u) << "of the reduction that was asked for";
  EXPECT_THAT(got.pattern().values().shape(), ElementsAre(2, 4));
}

}  // namespace
}  // namespace headscope::server
