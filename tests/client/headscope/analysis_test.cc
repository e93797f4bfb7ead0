// Analyses of patterns: what goes onto the wire and what comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "client/headscope/client.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/client/fake_server.h"

namespace headscope::client {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class AnalysisClientTest : public testing::Test {
 protected:
  AnalysisClientTest() : client_(*Client::Connect(server_.address())) {}
  tests::FakeState& state() { return server_.state(); }

  tests::FakeServer server_;
  std::unique_ptr<Client> client_;
};

PatternReference File(const std::string& label) {
  PatternReference reference;
  reference.matrix = InlinePattern{label, {1, 2, {1, 2}}, Matrix{1, 2, {0.1, 0.2}}, {"", "", "llama", 2, 64}};
  return reference;
}

PatternReference Stored(const std::string& name) {
  PatternReference reference;
  reference.name = name;
  return reference;
}

v1::Tensor Rows(const std::vector<double>& values, std::uint32_t rows) {
  return EncodeTensor(absl::MakeConstSpan(values), {rows, static_cast<std::uint32_t>(values.size()) / rows});
}

TEST_F(AnalysisClientTest, ListsPatternsOfAllPages) {
  state().patterns.resize(3);
  for (v1::Pattern& pattern : state().patterns) pattern.set_name("patterns/p-1");
  state().patterns[1].mutable_imported()->set_origin("script");
  PatternFilter filter;
  filter.source = PatternFilter::Source::kImported;
  filter.labels = {{"task", "copy"}};
  const auto patterns = client_->ListPatterns(filter);
  ASSERT_TRUE(patterns.ok()) << patterns.status();
  ASSERT_THAT(*patterns, SizeIs(3));
  EXPECT_EQ((*patterns)[0].id, "p-1");
  EXPECT_EQ((*patterns)[1].origin, "script");
  EXPECT_EQ(state().patterns_listed.size(), 2u);
  EXPECT_EQ(state().patterns_listed[1].source(), v1::ListPatternsRequest::SOURCE_IMPORTED);
  EXPECT_EQ(state().patterns_listed[1].labels().at("task"), "copy");
  filter.limit = 1;
  EXPECT_THAT(*client_->ListPatterns(filter), SizeIs(1));
}

TEST_F(AnalysisClientTest, ImportsAndDeletes) {
  PatternImport import;
  import.display_name = "step 200";
  import.values = {1, 2, { 1, 2 }};
  import.model.family = "llama";
  import.labels = {{ "task", "copy" }};
  state().pattern.set_name("patterns/p-9");
  const auto pattern = client_->ImportPattern(import);
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  EXPECT_EQ(pattern->id, "p-9");
  EXPECT_THAT(*DecodeFloat64(state().imported[0].values()), ElementsAre(1, 2));
  EXPECT_EQ(state().imported[0].display_name(), "step 200");
  EXPECT_EQ(state().imported[0].model().family(), "llama");
  EXPECT_NE(state().imported[0].request_id(), "") << "safe to retry";
  EXPECT_TRUE(client_->DeletePattern("p-9").ok());
  EXPECT_THAT(state().deleted, ElementsAre("patterns/p-9"));
}

TEST_F(AnalysisClientTest, DescribesADifferenceOfALocalFileAndAJob) {
  PatternReference reference = File("after.npy");
  auto minus = std::make_shared<PatternReference>(Stored("jobs/j-1"));
  minus->reduction = ReductionOptions{};
  reference.minus = minus;
  DescribeOptions options;
  options.ddof = 1;
  options.head_order = HeadOrder::kMagnitude;
  options.bootstrap.seed = 7;
  state().description.mutable_dispersion()->mutable_gini()->set_value(0.5);
  state().description.mutable_dispersion()->mutable_gini()->mutable_interval()->set_high(0.6);
  state().description.mutable_dispersion()->mutable_cv();
  state().description.add_top_heads()->set_stability(0.9);
  *state().description.mutable_standard_error() = Rows({0.1, 0.2}, 1);
  const auto description = client_->DescribePattern(reference, options);
  ASSERT_TRUE(description.ok()) << description.status();
  const v1::DescribePatternRequest& asked = state().described;
  EXPECT_EQ(asked.pattern().inline_pattern().label(), "after.npy");
  EXPECT_EQ(asked.pattern().inline_pattern().model().head_dim(), 64u);
  EXPECT_THAT(*DecodeFloat64(asked.pattern().inline_pattern().standard_error()), ElementsAre(0.1, 0.2));
  EXPECT_EQ(asked.pattern().minus().name(), "jobs/j-1");
  EXPECT_TRUE(asked.pattern().minus().has_reduction());
  EXPECT_EQ(asked.ddof(), 1u);
  EXPECT_EQ(asked.head_order(), v1::HEAD_ORDER_MAGNITUDE);
  EXPECT_EQ(asked.bootstrap().seed(), 7u);
  EXPECT_FALSE(asked.bootstrap().has_resamples()) << "the server's default";
  EXPECT_EQ(description->dispersion.gini.value, 0.5);
  EXPECT_EQ(description->dispersion.gini.interval->high, 0.6);
  EXPECT_FALSE(description->dispersion.cv.value.has_value());
  EXPECT_EQ(description->top_heads[0].stability, 0.9);
  EXPECT_THAT(description->standard_error->values, ElementsAre(0.1, 0.2));
}

v1::ComparePatternsResponse Part(v1::ComparePatternsResponse::Quantity quantity, std::uint32_t first_row,
                                 const std::vector<double>& values, std::uint32_t rows) {
  v1::ComparePatternsResponse part;
  part.mutable_rows()->set_measure(v1::MEASURE_TOP_K_JACCARD);
  part.mutable_rows()->set_layer_means_removed(true);
  part.mutable_rows()->set_quantity(quantity);
  part.mutable_rows()->set_first_row(first_row);
  *part.mutable_rows()->mutable_values() = Rows(values, rows);
  return part;
}

TEST_F(AnalysisClientTest, PutsMatricesTogether) {
  using Response = v1::ComparePatternsResponse;
  v1::ComparePatternsResponse header;
  header.mutable_header()->add_patterns()->set_name("patterns/p-1");
  header.mutable_header()->add_patterns()->set_display_name("b.npy");
  header.mutable_header()->set_top_k(3);
  state().comparison = {header, Part(Response::VALUE, 0, {1, 0.5}, 1), Part(Response::VALUE, 1, {0.5, 1}, 1),
                        Part(Response::P_VALUE, 0, {NAN, 0.01, 0.01, NAN}, 2)};
  CompareOptions options;
  options.measures = {Measure::kTopKJaccard, Measure::kRbo};
  options.layer_means = LayerMeans::kRemoved;
  options.resampled_unit = ResampledUnit::kSamples;
  options.permutation = Permutation{};
  const auto comparison = client_->ComparePatterns({Stored("p-1"), File("b.npy")}, options);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_THAT(state().compared.measures(), ElementsAre(v1::MEASURE_TOP_K_JACCARD, v1::MEASURE_RBO));
  EXPECT_EQ(state().compared.layer_means(), v1::LAYER_MEANS_REMOVED);
  EXPECT_EQ(state().compared.resampled_unit(), v1::RESAMPLED_UNIT_SAMPLES);
  EXPECT_FALSE(state().compared.has_bootstrap());
  EXPECT_EQ(state().compared.permutation().scope(), v1::SHUFFLE_SCOPE_WITHIN_LAYERS);
  EXPECT_EQ(comparison->patterns[0].id, "p-1");
  EXPECT_EQ(comparison->patterns[1].display_name, "b.npy");
  EXPECT_EQ(comparison->top_k, 3u);
  const SimilarityMatrices& matrices = comparison->measures.at({Measure::kTopKJaccard, true});
  EXPECT_THAT(matrices.values.values, ElementsAre(1, 0.5, 0.5, 1));
  EXPECT_EQ(matrices.p_values->At(0, 1), 0.01);
  EXPECT_FALSE(matrices.low.has_value());
}

TEST_F(AnalysisClientTest, RefusesRowsThatDoNotFit) {
  v1::ComparePatternsResponse header;
  header.mutable_header()->add_patterns();
  header.mutable_header()->add_patterns();
  state().comparison = {header, Part(v1::ComparePatternsResponse::VALUE, 1, {1, 0.5, 0.5, 1}, 2)};
  EXPECT_TRUE(absl::IsDataLoss(client_->ComparePatterns({Stored("p-1"), Stored("p-2")}, {}).status()));
}

TEST_F(AnalysisClientTest, Decomposes) {
  DecomposeOptions options;
  options.fit = Fit::kNnls;
  options.intercept = true;
  options.intervals = CoefficientIntervals::kNone;
  options.permutation.permutations = 0;
  options.rank_subsets = true;
  v1::DecomposePatternResponse& answer = state().decomposition;
  answer.add_coefficients()->set_value(2);
  answer.mutable_intercept()->set_value(0.5);
  answer.mutable_quality()->set_r2_centred(0.9);
  answer.add_vif(1.5);
  answer.add_subsets()->add_members(0);
  *answer.mutable_residuals() = Rows({0, 1}, 1);
  const auto fit = client_->DecomposePattern(Stored("p-1"), {Stored("p-2")}, options);
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_EQ(state().decomposed.fit(), v1::FIT_NNLS);
  EXPECT_TRUE(state().decomposed.intercept());
  EXPECT_EQ(state().decomposed.intervals(), v1::COEFFICIENT_INTERVALS_NONE);
  EXPECT_EQ(state().decomposed.permutation().permutations(), 0u);
  EXPECT_TRUE(state().decomposed.permutation().has_permutations());
  EXPECT_EQ(fit->coefficients[0].value, 2);
  EXPECT_EQ(fit->intercept->value, 0.5);
  EXPECT_EQ(fit->quality.r2_centred, 0.9);
  EXPECT_FALSE(fit->quality.r2_adjusted.has_value());
  EXPECT_FALSE(fit->permutation_null.has_value());
  EXPECT_THAT(fit->vif, ElementsAre(1.5));
  EXPECT_THAT(fit->subsets[0].members, ElementsAre(0));
}

TEST_F(AnalysisClientTest, Tracks) {
  v1::TrackPoint& point = *state().track.add_points();
  point.mutable_against_first()->set_mse(0.25);
  const auto points = client_->TrackPatterns({Stored("p-1")}, {});
  ASSERT_TRUE(points.ok()) << points.status();
  EXPECT_EQ((*points)[0].against_first.mse, 0.25);
  EXPECT_FALSE((*points)[0].against_first.pearson.has_value());
  EXPECT_FALSE((*points)[0].against_previous.has_value());
}

// Samples with so many heads that each fills a message.
class WidePool : public PoolSource {
 public:
  explicit WidePool(int rows) : rows_(rows) {}
  std::uint32_t layers() const override { return 1; }
  std::uint32_t heads() const override { return 1 << 17; }
  absl::StatusOr<std::optional<PoolRows>> Next(std::size_t samples) override {
    EXPECT_EQ(samples, 1u);
    if (rows_-- == 0) return std::optional<PoolRows>();
    return PoolRows{{}, std::vector<float>(1 << 17, 1.0f)};
  }

 private:
  int rows_;
};

TEST_F(AnalysisClientTest, StreamsAPool) {
  WidePool pool(3);
  RankOptions options;
  options.measure = RankMeasure::kProjection;
  options.diversity = Diversity{0.95, std::nullopt};
  v1::RankedSample& sample = *state().ranking.add_samples();
  sample.set_id("2");
  sample.set_score(0.5);
  const auto ranking = client_->RankSamples(Stored("p-1"), pool, options);
  ASSERT_TRUE(ranking.ok()) << ranking.status();
  ASSERT_THAT(state().ranked, SizeIs(4));
  EXPECT_EQ(state().ranked[0].header().measure(), v1::RANK_MEASURE_PROJECTION);
  EXPECT_EQ(state().ranked[0].header().diversity().max_cosine(), 0.95);
  EXPECT_EQ(state().ranked[0].header().pool_job(), "");
  EXPECT_THAT(state().ranked[1].rows().scores().shape(), ElementsAre(1, 1, 1 << 17));
  EXPECT_EQ(ranking->samples[0].id, "2");
}

TEST_F(AnalysisClientTest, RanksAJob) {
  ReductionOptions reduction;
  reduction.absolute = Absolute::kNone;
  ASSERT_TRUE(client_->RankSamples(Stored("p-1"), "j-2", reduction, {}).ok());
  ASSERT_THAT(state().ranked, SizeIs(1));
  EXPECT_EQ(state().ranked[0].header().pool_job(), "j-2");
  EXPECT_EQ(state().ranked[0].header().pool_reduction().absolute(), v1::ABSOLUTE_NONE);
}

TEST_F(AnalysisClientTest, PlansAMixture) {
  v1::MixtureShare& share = *state().mixture.add_shares();
  share.set_samples(5);
  share.set_clipped(true);
  const auto shares = client_->PlanMixture({{"gsm8k", 0.5, 1, 9}, {"code", -0.1, 0, std::nullopt}}, 10);
  ASSERT_TRUE(shares.ok()) << shares.status();
  EXPECT_EQ(state().planned.budget(), 10u);
  EXPECT_EQ(state().planned.components(0).cap(), 9u);
  EXPECT_FALSE(state().planned.components(1).has_cap());
  EXPECT_EQ((*shares)[0].samples, 5u);
  EXPECT_TRUE((*shares)[0].clipped);
}

TEST(AnalysisNamesTest, AreKebabCase) {
  EXPECT_THAT(NamesOf<Measure>(), testing::Contains("kendall-tau-b"));
  EXPECT_EQ(FromName<Fit>("nnls"), Fit::kNnls);
  EXPECT_EQ(NameOf(CoefficientIntervals::kOlsStandardError), "ols-standard-error");
}

}  // namespace
}  // namespace headscope::client
