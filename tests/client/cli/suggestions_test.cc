#include "client/cli/suggestions.h"

#include <gtest/gtest.h>

namespace headscope::cli {
namespace {

TEST(DidYouMeanTest, NamesTheNearestWord) {
  const std::vector<std::string> known = {"jobs", "job", "models", "attribute"};

  EXPECT_EQ(DidYouMean("jbos", known), " (did you mean \"jobs\"?)");
  EXPECT_EQ(DidYouMean("modles", known), " (did you mean \"models\"?)");
  EXPECT_EQ(DidYouMean("attr", known), " (did you mean \"attribute\"?)");
  EXPECT_EQ(DidYouMean("JBOS", known), " (did you mean \"jobs\"?)");
}

TEST(DidYouMeanTest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("zzz", {"jobs", "models"}), "");
  EXPECT_EQ(DidYouMean("jobs", {}), "");
}

}  // namespace
}  // namespace headscope::cli
