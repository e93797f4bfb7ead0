// Stored patterns, and what is computed from them, over the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

v1::Tensor Tensor(const std::vector<double>& values, std::uint32_t layers = 2, std::uint32_t heads = 4) {
  return EncodeTensor(absl::MakeConstSpan(values), {layers, heads});
}

v1::PatternReference Inline(const std::vector<double>& values, std::uint32_t layers = 2, std::uint32_t heads = 4,
                            const std::string& label = "") {
  v1::PatternReference reference;
  reference.mutable_inline_pattern()->set_label(label);
  *reference.mutable_inline_pattern()->mutable_values() = Tensor(values, layers, heads);
  return reference;
}

v1::PatternReference Named(const std::string& name) {
  v1::PatternReference reference;
  reference.set_name(name);
  return reference;
}

const std::vector<double> kFirst = {1, 2, 3, 4, 5, 6, 7, 9};
const std::vector<double> kSecond = {2, 1, 4, 3, 9, 5, 6, 7};

class AnalysisRpcTest : public testing::Test {
 protected:
  static constexpr int kSamples = 5;

  // A job of five samples, done; its id.
  std::string Job() {
    const std::string id = harness_.Submit(kSamples);
    harness_.RunJob(id, 16 * 1024);
    return id;
  }
  grpc::Status Import(const v1::ImportPatternRequest& request) {
    return harness_.patterns().ImportPattern(Context().get(), request, &imported_);
  }
  std::string Import(const std::vector<double>& values, const std::string& name = "") {
    v1::ImportPatternRequest request;
    request.set_display_name(name);
    *request.mutable_values() = Tensor(values);
    EXPECT_TRUE(Import(request).ok());
    return imported_.pattern().name();
  }
  grpc::Status Describe(const v1::DescribePatternRequest& request) {
    return harness_.patterns().DescribePattern(Context().get(), request, &description_);
  }

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

  struct Ranked {
    grpc::Status status;
    v1::RankSamplesResponse answer;
  };
  Ranked Rank(const std::vector<v1::RankSamplesRequest>& messages) {
    const auto context = Context();
    Ranked ranked;
    const auto writer = harness_.patterns().RankSamples(context.get(), &ranked.answer);
    for (const auto& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    ranked.status = writer->Finish();
    return ranked;
  }

  ServiceHarness harness_;
  v1::ImportPatternResponse imported_;
  v1::DescribePatternResponse description_;
};

TEST_F(AnalysisRpcTest, AnImportedPatternComesBack) {
  v1::ImportPatternRequest request;
  request.set_display_name("step 200");
  request.set_origin("compute_ap.py");
  request.set_samples_scored(7);
  (*request.mutable_labels())["task"] = "copy";
  request.mutable_model()->set_family("llama");
  *request.mutable_values() = EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, 2.5f}), {1, 2});
  *request.mutable_standard_error() = Tensor({0.5, 0.25}, 1, 2);
  ASSERT_TRUE(Import(request).ok());
  v1::GetPatternRequest get;
  get.set_name(imported_.pattern().name());
  v1::GetPatternResponse answer;
  ASSERT_TRUE(harness_.patterns().GetPattern(Context().get(), get, &answer).ok());
  const v1::Pattern& pattern = answer.pattern();
  EXPECT_EQ(pattern.SerializeAsString().size(), imported_.pattern().SerializeAsString().size());
  EXPECT_THAT(*DecodeFloat64(pattern.values()), ElementsAre(1, 2.5));
  EXPECT_THAT(*DecodeFloat64(pattern.standard_error()), ElementsAre(0.5, 0.25));
  EXPECT_EQ(pattern.display_name(), "step 200");
  EXPECT_EQ(pattern.imported().origin(), "compute_ap.py");
  EXPECT_EQ(pattern.labels().at("task"), "copy");
  EXPECT_EQ(pattern.provenance().family(), "llama");
  EXPECT_EQ(pattern.layers(), 1u);
  get.mutable_reduction();
  EXPECT_EQ(ReasonOf(harness_.patterns().GetPattern(Context().get(), get, &answer)), "REDUCTION_NOT_APPLICABLE");
}

TEST_F(AnalysisRpcTest, ImportsAreCheckedAndNothingStaysOfRefusedOnes) {
  v1::ImportPatternRequest request;
  *request.mutable_values() = Tensor({1, NAN}, 1, 2);
  const grpc::Status status = Import(request);
  EXPECT_EQ(ReasonOf(status), "BAD_PATTERN");
  EXPECT_THAT(status.error_message(), HasSubstr("layer 0, head 1"));
  *request.mutable_values() = Tensor({1, 2, 3}, 3, 1);
  request.mutable_values()->add_shape(1);
  EXPECT_EQ(ReasonOf(Import(request)), "INVALID_FIELDS");
  *request.mutable_values() = Tensor({1, 2}, 1, 2);
  *request.mutable_standard_error() = Tensor({1, -2}, 1, 2);
  EXPECT_EQ(ReasonOf(Import(request)), "INVALID_FIELDS");
  v1::ListPatternsResponse list;
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.patterns_size(), 0);
  EXPECT_EQ(harness_.blobs().stored_bytes(), 0u);
}

TEST_F(AnalysisRpcTest, ARequestIdMakesImportsIdempotent) {
  v1::ImportPatternRequest request;
  request.set_request_id("once");
  *request.mutable_values() = Tensor({1, 2}, 1, 2);
  ASSERT_TRUE(Import(request).ok());
  const std::string name = imported_.pattern().name();
  ASSERT_TRUE(Import(request).ok());
  EXPECT_EQ(imported_.pattern().name(), name);
  *request.mutable_values() = Tensor({1, 3}, 1, 2);
  EXPECT_EQ(ReasonOf(Import(request)), "REQUEST_ID_REUSED");
}

TEST_F(AnalysisRpcTest, ListsJobsAndImportsAndDeletesImports) {
  const std::string job = Job();
  const std::string imported = Import(kFirst, "mine");
  v1::ListPatternsRequest request;
  v1::ListPatternsResponse list;
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), request, &list).ok());
  ASSERT_EQ(list.patterns_size(), 2);
  EXPECT_EQ(list.patterns(0).name(), imported);
  EXPECT_EQ(list.patterns(1).name(), "patterns/p-" + job.substr(2));
  EXPECT_EQ(list.patterns(1).job(), "jobs/" + job);
  EXPECT_EQ(list.patterns(1).provenance().model(), std::string("models/") + ServiceHarness::kModel);
  EXPECT_EQ(list.patterns(1).layers(), 2u);
  EXPECT_FALSE(list.patterns(1).has_values());
  request.set_display_name("mine");
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), request, &list).ok());
  EXPECT_EQ(list.patterns_size(), 1);
  request.set_page_token("nonsense");
  EXPECT_EQ(ReasonOf(harness_.patterns().ListPatterns(Context().get(), request, &list)), "BAD_PAGE_TOKEN");

  v1::DeletePatternRequest remove;
  v1::DeletePatternResponse removed;
  remove.set_name(imported);
  const std::uint64_t before = harness_.blobs().stored_bytes();
  EXPECT_TRUE(harness_.patterns().DeletePattern(Context().get(), remove, &removed).ok());
  EXPECT_LT(harness_.blobs().stored_bytes(), before);
  EXPECT_EQ(ReasonOf(harness_.patterns().DeletePattern(Context().get(), remove, &removed)), "PATTERN_NOT_FOUND");
  remove.set_name("patterns/p-" + job.substr(2));
  EXPECT_EQ(ReasonOf(harness_.patterns().DeletePattern(Context().get(), remove, &removed)), "PATTERN_OF_JOB");
}

TEST_F(AnalysisRpcTest, APatternsShapeIsThatOfItsValues) {
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

TEST_F(AnalysisRpcTest, ComparesManyByEveryMeasure) {
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

TEST_F(AnalysisRpcTest, ComparesWithIntervalsAndPValues) {
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

TEST_F(AnalysisRpcTest, OtherShapesAndArchitecturesAreRefused) {
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

TEST_F(AnalysisRpcTest, CompareRequestsAreCheckedWhole) {
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

v1::RankSamplesRequest RankHeader(const v1::PatternReference& target, const std::string& job = "") {
  v1::RankSamplesRequest message;
  *message.mutable_header()->mutable_target() = target;
  message.mutable_header()->set_pool_job(job);
  return message;
}

TEST_F(AnalysisRpcTest, RanksRowsAsTheyCome) {
  v1::RankSamplesRequest first;
  *first.mutable_rows()->mutable_scores() =
      EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, 0, 1, 1}), {2, 1, 2});
  v1::RankSamplesRequest second;
  *second.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(std::vector<double>{0, 3}), {1, 1, 2});
  const Ranked ranked = Rank({RankHeader(Inline({0, 1}, 1, 2)), first, second});
  ASSERT_TRUE(ranked.status.ok()) << ranked.status.error_message();
  EXPECT_EQ(ranked.answer.pool_samples(), 3u);
  ASSERT_EQ(ranked.answer.samples_size(), 3);
  EXPECT_EQ(ranked.answer.samples(0).id(), "3");
  EXPECT_EQ(ranked.answer.samples(0).index(), 2u);
  EXPECT_DOUBLE_EQ(ranked.answer.samples(0).score(), 1);
  EXPECT_EQ(ranked.answer.samples(2).id(), "1");
  EXPECT_EQ(ranked.answer.measure(), v1::RANK_MEASURE_COSINE);
}

TEST_F(AnalysisRpcTest, RanksAJobsSamplesByTheirOwnScores) {
  const std::string job = Job();
  v1::RankSamplesRequest header = RankHeader(Named(job), "jobs/" + job);
  header.mutable_header()->set_measure(v1::RANK_MEASURE_PROJECTION);
  header.mutable_header()->set_top(3);
  const Ranked ranked = Rank({header});
  ASSERT_TRUE(ranked.status.ok()) << ranked.status.error_message();
  EXPECT_EQ(ranked.answer.pool_samples(), 5u);
  ASSERT_EQ(ranked.answer.samples_size(), 3);
  for (const v1::RankedSample& sample : ranked.answer.samples()) {
    EXPECT_EQ(sample.id(), "s" + std::to_string(sample.index()));
  }
  EXPECT_GE(ranked.answer.samples(0).score(), ranked.answer.samples(1).score());
}

TEST_F(AnalysisRpcTest, RankingsInAnotherOrderOrShapeAreRefused) {
  v1::RankSamplesRequest rows;
  *rows.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, 0}), {1, 1, 2});
  const v1::RankSamplesRequest header = RankHeader(Inline({0, 1}, 1, 2));
  EXPECT_EQ(ReasonOf(Rank({rows}).status), "RANK_OUT_OF_ORDER");
  EXPECT_EQ(ReasonOf(Rank({}).status), "RANK_OUT_OF_ORDER");
  EXPECT_EQ(ReasonOf(Rank({header, header}).status), "RANK_OUT_OF_ORDER");
  EXPECT_EQ(ReasonOf(Rank({RankHeader(Inline({0, 1, 2}, 1, 3)), rows}).status), "SHAPE_MISMATCH");
  EXPECT_EQ(ReasonOf(Rank({RankHeader(Inline({0, 0}, 1, 2)), rows}).status), "TARGET_NOT_DEFINED");
  EXPECT_EQ(ReasonOf(Rank({RankHeader(Inline(kFirst), "jobs/j-0000000000000000")}).status), "PATTERN_NOT_FOUND");
  v1::RankSamplesRequest bad = rows;
  *bad.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, NAN}), {1, 1, 2});
  EXPECT_EQ(ReasonOf(Rank({header, rows, bad}).status), "BAD_PATTERN");
  EXPECT_TRUE(Rank({header}).status.ok()) << "an empty pool has an empty answer";
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
  for (const char* name : {"add", "copy", "add"}) request.add_components()->set_name(name);
  const grpc::Status twice = harness_.patterns().PlanMixture(Context().get(), request, &answer);
  EXPECT_EQ(twice.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldsOf(twice), std::vector<std::string>{"components[5].name"});
  EXPECT_THAT(twice.error_message(), HasSubstr("is the same as components[3].name"));
  request.clear_components();
  EXPECT_EQ(FieldsOf(harness_.patterns().PlanMixture(Context().get(), request, &answer)),
            std::vector<std::string>{"components"});
}

TEST_F(AnalysisRpcTest, TooMuchWorkIsRefusedWithWhatIsPossible) {
  v1::ComparePatternsRequest request;
  for (int i = 0; i < 1000; ++i) *request.add_patterns() = Inline(kFirst);
  request.mutable_permutation()->set_permutations(100'000);
  const grpc::Status status = Compare(request).status;
  EXPECT_EQ(ReasonOf(status), "TOO_MUCH_WORK");
  EXPECT_THAT(status.error_message(), HasSubstr("at most"));
}

TEST_F(AnalysisRpcTest, ACancelledComparisonEnds) {
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

TEST_F(AnalysisRpcTest, RankingsThatWaitForTheirClientsLeaveRoomForOtherAnalyses) {
  struct Open {
    std::unique_ptr<grpc::ClientContext> context;
    v1::RankSamplesResponse answer;
    std::unique_ptr<grpc::ClientWriter<v1::RankSamplesRequest>> writer;
  };
  std::vector<Open> idle(kMaxAnalyses);
  for (Open& open : idle) {
    open.context = Context();
    open.writer = harness_.patterns().RankSamples(open.context.get(), &open.answer);
    ASSERT_TRUE(open.writer->Write(RankHeader(Inline(kFirst))));
  }
  v1::DescribePatternRequest describe;
  *describe.mutable_pattern() = Inline(kFirst);
  EXPECT_TRUE(Describe(describe).ok());
  for (Open& open : idle) {
    open.context->TryCancel();
    EXPECT_EQ(open.writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

}  // namespace
}  // namespace headscope::server
