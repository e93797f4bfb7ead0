#include "client/headscope/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::client {
namespace {

using ::testing::ElementsAre;

TEST(OptionNamesTest, AreThoseOfTheContractWithTheDefaultFirst) {
  EXPECT_THAT(NamesOf<LossScale>(), ElementsAre("per-sample-mean", "sum", "batch-token-mean"));
  EXPECT_THAT(NamesOf<Absolute>(), ElementsAre("per-sample", "none", "per-token"));
  EXPECT_THAT(NamesOf<Positions>(), ElementsAre("all", "prompt", "response"));
  EXPECT_THAT(NamesOf<LayerNorm>(), ElementsAre("none", "l2"));
  EXPECT_THAT(NamesOf<HeadAxis>(), ElementsAre("query", "kv"));
  EXPECT_THAT(NamesOf<OnInvalid>(), ElementsAre("refuse", "skip"));
  EXPECT_THAT(NamesOf<DType>(), ElementsAre("float32", "float64", "bfloat16"));
}

TEST(OptionNamesTest, ReadBackAsTheValueThatTheyName) {
  for (const std::string& name : NamesOf<LossScale>()) EXPECT_EQ(NameOf(*FromName<LossScale>(name)), name);
  EXPECT_FALSE(FromName<LossScale>("mean").has_value());
}

}  // namespace
}  // namespace headscope::client
