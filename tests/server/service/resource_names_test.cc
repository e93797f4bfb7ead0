#include "server/service/resource_names.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

TEST(ResourceNamesTest, AreTakenWithAndWithoutTheirCollection) {
  Violations violations;
  EXPECT_EQ(ParseJobName("jobs/j-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParseJobName("j-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParsePatternName("patterns/p-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParseModelName("models/a/b", "name", violations), "a/b");
  EXPECT_EQ(ParseModelName("a/b c.d", "name", violations), "a/b c.d");
  EXPECT_TRUE(violations.empty()) << violations.status();
  EXPECT_EQ(PatternName("j-0abc"), "patterns/p-0abc");
}

TEST(ResourceNamesTest, OtherResourcesAreRefused) {
  for (const char* name : {"", "jobs/", "jobs/p-1", "patterns/j-1", "jobs/jobs/j-1", "jobs/j-", "jobs/j-A", "j-1/x"}) {
    Violations violations;
    ParseJobName(name, "name", violations);
    EXPECT_FALSE(violations.empty()) << name;
  }
  Violations violations;
  ParsePatternName("jobs/j-1", "name", violations);
  EXPECT_FALSE(violations.empty());
}

}  // namespace
}  // namespace headscope::server
