#include "server/service/page_token.h"

#include <gtest/gtest.h>

#include "proto/support/error.h"

namespace headscope::server {
namespace {

TEST(PageTokenTest, RoundTripsAndRefusesOthers) {
  EXPECT_EQ(*LastOfPageToken(PageTokenAfter("a/b")), "a/b");
  EXPECT_EQ(*LastOfPageToken(""), "");
  EXPECT_EQ(ReasonOf(LastOfPageToken("nonsense").status()), "BAD_PAGE_TOKEN");
}

}  // namespace
}  // namespace headscope::server
