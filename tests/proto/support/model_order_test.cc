#include "proto/support/model_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace headscope {
namespace {

using testing::ElementsAreArray;

// In the order in which they are to be listed.
const std::vector<std::string>& Listed() {
  static const std::vector<std::string> names = {"base",
                                                 "run",
                                                 "run/checkpoint-9",
                                                 "run/checkpoint-10",
                                                 "run/checkpoint-0100",
                                                 "run/checkpoint-100",
                                                 "run/checkpoint-100/adapter",
                                                 "run/checkpoint-1000",
                                                 "run/checkpoint-99999999999999999999999",
                                                 "run/checkpoint-",
                                                 "run/checkpoint-5x",
                                                 "run/checkpoint-last",
                                                 "run/final",
                                                 "run-2/checkpoint-3"};
  return names;
}

TEST(ListedBeforeTest, CheckpointsOfASeriesGoByNumberAndOtherNamesByTheirBytes) {
  std::vector<std::string> names = Listed();
  std::sort(names.begin(), names.end());
  EXPECT_NE(names, Listed());
  std::sort(names.begin(), names.end(), ListedBefore);
  EXPECT_THAT(names, ElementsAreArray(Listed()));
}

TEST(ListedBeforeTest, IsATotalOrder) {
  for (std::size_t i = 0; i < Listed().size(); ++i) {
    for (std::size_t j = 0; j < Listed().size(); ++j) {
      EXPECT_EQ(ListedBefore(Listed()[i], Listed()[j]), i < j) << Listed()[i] << " " << Listed()[j];
    }
  }
}

}  // namespace
}  // namespace headscope
