#include "server/service/budget.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

TEST(BudgetTest, GivesNoMoreThanThereIs) {
  Budget budget(10);
  const Budget::Share most = budget.Take(7);
  ASSERT_NE(most, nullptr);
  EXPECT_EQ(budget.Take(4), nullptr);
  const Budget::Share rest = budget.Take(3);
  EXPECT_NE(rest, nullptr);
  EXPECT_EQ(budget.taken(), 10u);
  EXPECT_EQ(budget.Take(1), nullptr);
}

TEST(BudgetTest, TheLastCopyGivesBack) {
  Budget budget(10);
  Budget::Share share = budget.Take(10);
  Budget::Share copy = share;
  share.reset();
  EXPECT_EQ(budget.Take(1), nullptr);
  copy.reset();
  EXPECT_EQ(budget.taken(), 0u);
  EXPECT_NE(budget.Take(10), nullptr);
}

TEST(BudgetTest, NoAmountIsTooLargeToBeRefused) {
  Budget budget(10);
  const Budget::Share share = budget.Take(1);
  EXPECT_EQ(budget.Take(~std::uint64_t{0}), nullptr);
}

}  // namespace
}  // namespace headscope::server
