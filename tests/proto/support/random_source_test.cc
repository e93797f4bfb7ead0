#include "proto/support/random_source.h"

#include <gtest/gtest.h>

#include <set>

namespace headscope {
namespace {

class Counting : public RandomSource {
 public:
  std::uint64_t Next() override { return next_++; }

 private:
  std::uint64_t next_ = 31;
};

TEST(MakeIdTest, IsAPureFunctionOfTheSource) {
  Counting random;
  EXPECT_EQ(MakeId("j-", random), "j-z000000001000000");
}

TEST(MakeIdTest, SystemIdsDiffer) {
  const auto random = MakeSystemRandom();
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(MakeId("j-", *random));
  EXPECT_EQ(ids.size(), 1000u);
}

}  // namespace
}  // namespace headscope
