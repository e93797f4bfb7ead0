#include "server/jobs/pattern_values.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace headscope::server {
namespace {

TEST(PatternValuesTest, ComeBackAsTheyWere) {
  PatternValues pattern{2, 2, {1, -0.1, 3e300, 5e-324}, std::nullopt};
  EXPECT_EQ(*DecodePattern(EncodePattern(pattern)), pattern);
  pattern.standard_error = {0.5, 0, 1, 2};
  EXPECT_EQ(*DecodePattern(EncodePattern(pattern)), pattern);
}

TEST(PatternValuesTest, DamagedBytesAreToldApart) {
  const std::string bytes = EncodePattern({1, 2, {1, 2}, std::vector<double>{3, 4}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(DecodePattern(bytes.substr(0, size)).status())) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodePattern(bytes + "x").status()));
  std::string huge = bytes;
  for (std::size_t i = 4; i < 12; ++i) huge[i] = '\xff';
  EXPECT_TRUE(absl::IsDataLoss(DecodePattern(huge).status()));
}

}  // namespace
}  // namespace headscope::server
