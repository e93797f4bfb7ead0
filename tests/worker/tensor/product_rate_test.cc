#include "worker/tensor/product_rate.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(ProductRateTest, IsMeasured) { EXPECT_GT(MeasureProductRate(), 0.0); }

TEST(TorchProductSecondsTest, AreMeasuredOnADeviceThatIsThere) {
  for (const bool bfloat16 : {false, true}) {
    const absl::StatusOr<double> seconds = TorchProductSeconds({64, 32, 48}, bfloat16, "cpu", 2);
    ASSERT_TRUE(seconds.ok()) << seconds.status();
    EXPECT_GT(*seconds, 0.0);
  }
  EXPECT_FALSE(TorchProductSeconds({64, 32, 48}, false, "abacus", 2).ok());
}

TEST(ProductRateTest, OnlyASlowRateGetsAHint) {
  EXPECT_NE(SlowProductsHint(2.0).find("libopenblas0-openmp"), std::string::npos);
  EXPECT_EQ(SlowProductsHint(60.0), "");
}

}  // namespace
}  // namespace headscope::worker
