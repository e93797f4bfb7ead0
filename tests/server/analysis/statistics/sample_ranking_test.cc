#include "server/analysis/statistics/sample_ranking.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "proto/support/error.h"
#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

using Pool = std::vector<std::pair<std::string, std::vector<double>>>;

Ranking Rank(const PatternMatrix& target, const Pool& pool, const RankOptions& options) {
  auto ranking = SampleRanking::Make(target, options);
  EXPECT_TRUE(ranking.ok()) << ranking.status();
  std::uint64_t index = 0;
  for (const auto& [id, scores] : pool) EXPECT_TRUE(ranking->Add(id, index++, scores.data(), scores.size()).ok());
  return ranking->Finish();
}

std::vector<std::string> Ids(const Ranking& ranking) {
  std::vector<std::string> ids;
  for (const RankedSample& sample : ranking.samples) ids.push_back(sample.id);
  return ids;
}

TEST(SampleRankingTest, MeasuresByHand) {
  const PatternMatrix target = Matrix(1, 2, {3, 4});
  const Pool pool = {{"a", {3, 4}}, {"b", {6, 0}}, {"c", {0, -1}}};
  const Ranking cosine = Rank(target, pool, {RankMeasure::kCosine, 3, {}, 0});
  EXPECT_THAT(Ids(cosine), ElementsAre("a", "b", "c"));
  EXPECT_DOUBLE_EQ(cosine.samples[0].score, 1);
  EXPECT_DOUBLE_EQ(cosine.samples[1].score, 0.6);
  EXPECT_DOUBLE_EQ(cosine.samples[2].score, -0.8);
  EXPECT_EQ(cosine.samples[1].index, 1u);
  const Ranking projection = Rank(target, pool, {RankMeasure::kProjection, 3, {}, 0});
  EXPECT_DOUBLE_EQ(projection.samples[0].score, 5);
  EXPECT_DOUBLE_EQ(projection.samples[1].score, 3.6);
  const Ranking pearson = Rank(target, pool, {RankMeasure::kPearson, 3, {}, 0});
  // Two heads either agree or not.
  EXPECT_EQ(pearson.samples[0].id, "a");
  EXPECT_DOUBLE_EQ(pearson.samples[0].score, 1);
  EXPECT_DOUBLE_EQ(pearson.samples[1].score, -1);
  EXPECT_DOUBLE_EQ(pearson.samples[2].score, -1);
}

TEST(SampleRankingTest, TiesAreSettledByIdThenPosition) {
  const std::vector<double> same = {1, 1};
  const Pool pool = {{"s10", same}, {"s9", same}, {"s1", same}, {"s1", same}, {"s2", same}};
  const Ranking ranking = Rank(Matrix(1, 2, {1, 2}), pool, {RankMeasure::kCosine, 3, {}, 0});
  EXPECT_THAT(Ids(ranking), ElementsAre("s1", "s1", "s2"));
  EXPECT_EQ(ranking.samples[0].index, 2u);
  EXPECT_EQ(ranking.pool, 5u);
}

TEST(SampleRankingTest, KeepsTheBestOfManyInAnyOrder) {
  Pool pool;
  for (int i = 0; i < 500; ++i)
    pool.emplace_back("s" + std::to_string(i), RandomPattern(std::uint64_t(i), 2, 4).values);
  const PatternMatrix target = RandomPattern(1000, 2, 4);
  const Ranking whole = Rank(target, pool, {RankMeasure::kCosine, 500, {}, 0});
  const Ranking best = Rank(target, pool, {RankMeasure::kCosine, 20, {}, 0});
  std::reverse(pool.begin(), pool.end());
  const Ranking reversed = Rank(target, pool, {RankMeasure::kCosine, 20, {}, 0});
  std::vector<std::string> first = Ids(whole);
  first.resize(20);
  EXPECT_EQ(Ids(best), first);
  EXPECT_EQ(Ids(reversed), first);
}

TEST(SampleRankingTest, ScaleOfASampleCountsInTheProjectionAlone) {
  const PatternMatrix target = RandomPattern(1, 2, 4);
  const PatternMatrix sample = RandomPattern(2, 2, 4);
  const Pool pool = {{"a", sample.values}, {"b", Scaled(sample, 16).values}};
  for (const RankMeasure measure : {RankMeasure::kCosine, RankMeasure::kPearson}) {
    const Ranking ranking = Rank(target, pool, {measure, 2, {}, 0});
    EXPECT_NEAR(ranking.samples[0].score, ranking.samples[1].score, 1e-14);
  }
  const Ranking projection = Rank(target, pool, {RankMeasure::kProjection, 2, {}, 0});
  EXPECT_NEAR(projection.samples[0].score, 16 * projection.samples[1].score, 1e-9);
}

TEST(SampleRankingTest, SamplesWithoutDirectionAreCountedAndLeftOut) {
  const Pool pool = {{"zero", {0, 0}}, {"flat", {1, 1}}, {"good", {1, 2}}};
  const Ranking pearson = Rank(Matrix(1, 2, {1, 2}), pool, {RankMeasure::kPearson, 3, {}, 0});
  EXPECT_THAT(Ids(pearson), ElementsAre("good"));
  EXPECT_EQ(pearson.undefined, 2u);
  const Ranking cosine = Rank(Matrix(1, 2, {1, 2}), pool, {RankMeasure::kCosine, 3, {}, 0});
  EXPECT_THAT(Ids(cosine), ElementsAre("good", "flat"));
}

TEST(SampleRankingTest, DiversityLeavesOutNearDuplicates) {
  const Pool pool = {{"a", {1, 0}}, {"copy", {2, 0.001}}, {"b", {1, 1}}, {"c", {0, 1}}};
  RankOptions options{RankMeasure::kCosine, 2, 0.9, 10};
  const Ranking ranking = Rank(Matrix(1, 2, {1, 0}), pool, options);
  EXPECT_THAT(Ids(ranking), ElementsAre("a", "b"));
  EXPECT_EQ(ranking.near_duplicates, 1u);
  EXPECT_FALSE(ranking.candidates_exhausted);
}

TEST(SampleRankingTest, SaysWhenCandidatesRanOut) {
  const Pool pool = {{"a", {1, 0}}, {"copy", {2, 0}}, {"b", {0, 1}}};
  const Ranking few = Rank(Matrix(1, 2, {1, 0}), pool, {RankMeasure::kCosine, 2, 0.9, 2});
  EXPECT_THAT(Ids(few), ElementsAre("a"));
  EXPECT_TRUE(few.candidates_exhausted);
  const Ranking enough = Rank(Matrix(1, 2, {1, 0}), pool, {RankMeasure::kCosine, 2, 0.9, 3});
  EXPECT_THAT(Ids(enough), ElementsAre("a", "b"));
}

TEST(SampleRankingTest, RefusesTargetsWithoutDirection) {
  EXPECT_EQ(ReasonOf(SampleRanking::Make(Matrix(1, 2, {0, 0}), {}).status()), "TARGET_NOT_DEFINED");
  EXPECT_EQ(ReasonOf(SampleRanking::Make(Matrix(1, 2, {3, 3}), {RankMeasure::kPearson, 1, {}, 0}).status()),
            "TARGET_NOT_DEFINED");
  EXPECT_TRUE(SampleRanking::Make(Matrix(1, 2, {3, 3}), {}).ok());
}

TEST(SampleRankingTest, RefusesWhatIsNotFinite) {
  auto ranking = SampleRanking::Make(Matrix(1, 2, {1, 2}), {});
  const std::vector<double> scores = {1, NAN};
  const absl::Status status = ranking->Add("s7", 0, scores.data(), scores.size());
  EXPECT_EQ(ReasonOf(status), "BAD_PATTERN");
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("s7"));
}

}  // namespace
}  // namespace headscope::server
