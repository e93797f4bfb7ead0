#include "worker/tensor/cpu/packed_product_rate.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(PackedProductSecondsTest, GrowWithTheProduct) {
  // Microseconds each: the least of many is its own, whatever else the machine does meanwhile.
  const std::optional<double> small = PackedProductSeconds({32, 64, 64}, false, 200);
  const std::optional<double> large = PackedProductSeconds({512, 1024, 1024}, false, 5);
  ASSERT_TRUE(small.has_value() && large.has_value());
  EXPECT_GT(*small, 0);
  // 4,096 times the work.
  EXPECT_GT(*large, *small);
}

TEST(PackedProductSecondsTest, OfBFloat16AreUnknownOrMeasured) {
  EXPECT_GT(PackedProductSeconds({64, 64, 64}, true, 2).value_or(1), 0);
}

}  // namespace
}  // namespace headscope::worker
