#include "worker/model/padded_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;

TEST(PaddedBatchTest, PadsOnTheRightToTheLongest) {
  PackedBatch batch;
  batch.Add({5, 6}, 1);
  batch.Add({7, 8, 9}, 1);
  const PaddedBatch padded = PadBatch(batch);
  EXPECT_EQ(padded.samples, 2);
  EXPECT_EQ(padded.length, 3);
  EXPECT_THAT(padded.token_ids, ElementsAre(5, 6, 0, 7, 8, 9));
}

TEST(PaddedBatchTest, EveryResponseTokenIsPredictedAtThePositionBeforeIt) {
  PackedBatch batch;
  batch.Add({5, 6}, 1);
  batch.Add({7, 8, 9, 10}, 2);
  batch.Add({1, 2, 3}, 0);
  const PaddedBatch padded = PadBatch(batch);
  std::vector<std::vector<std::int64_t>> found;
  for (const Prediction& p : padded.predictions) found.push_back({p.sample, p.row, p.target});
  EXPECT_THAT(found, ElementsAre(ElementsAre(0, 0, 6), ElementsAre(1, 5, 9), ElementsAre(1, 6, 10),
                                 ElementsAre(2, 8, 2), ElementsAre(2, 9, 3)));
}

}  // namespace
}  // namespace headscope::worker
