#include "worker/runtime/place_scores.h"

#include <gmock/gmock.h>

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A shard of three samples, two heads.
ScoreResult Room() {
  ScoreResult result;
  result.layers = 1;
  result.heads = 2;
  result.objective.resize(3);
  for (const char* name : {"a", "b"}) result.planes[name].resize(6);
  return result;
}

BatchScores Scores() { return {.objective = {0.5, 0.25}, .planes = {{"a", {1, 2, 3, 4}}, {"b", {5, 6, 7, 8}}}}; }

TEST(PlaceScoresTest, PutsEverySampleInItsPlace) {
  ScoreResult result = Room();
  ASSERT_TRUE(PlaceScores(Scores(), {2, 0}, result).ok());
  EXPECT_THAT(result.objective, ElementsAre(0.25, 0, 0.5));
  EXPECT_THAT(result.planes["a"], ElementsAre(3, 4, 0, 0, 1, 2));
  EXPECT_THAT(result.planes["b"], ElementsAre(7, 8, 0, 0, 5, 6));
}

TEST(PlaceScoresTest, WhatDoesNotFitIsTheMethodsFault) {
  ScoreResult result = Room();
  const auto refused = [&](void (*spoil)(BatchScores&)) {
    BatchScores scores = Scores();
    spoil(scores);
    const absl::Status status = PlaceScores(scores, {2, 0}, result);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    return std::string(status.message());
  };
  EXPECT_THAT(refused([](BatchScores& scores) { scores.objective.pop_back(); }),
              HasSubstr("1 objectives and 2 planes, expected 2 and 2"));
  EXPECT_THAT(refused([](BatchScores& scores) { scores.planes.pop_back(); }), HasSubstr("2 objectives and 1 planes"));
  EXPECT_THAT(refused([](BatchScores& scores) { scores.planes[1].name = "a"; }),
              HasSubstr("plane \"a\" with 4 values, expected \"b\" with 4"));
  EXPECT_THAT(refused([](BatchScores& scores) { scores.planes[0].values.pop_back(); }),
              HasSubstr("plane \"a\" with 3 values, expected \"a\" with 4"));
}

}  // namespace
}  // namespace headscope::worker
