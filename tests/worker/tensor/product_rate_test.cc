#include "worker/tensor/product_rate.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(ProductRateTest, IsMeasured) { EXPECT_GT(MeasureProductRate(), 0.0); }

TEST(ProductRateTest, OnlyASlowRateGetsAHint) {
  EXPECT_NE(SlowProductsHint(2.0).find("libopenblas0-openmp"), std::string::npos);
  EXPECT_EQ(SlowProductsHint(60.0), "");
}

}  // namespace
}  // namespace headscope::worker
