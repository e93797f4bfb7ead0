#include "server/service/resource_names.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

TEST(ResourceNamesTest, AreTakenWithAndWithoutTheirCollection) {
  Violations violations;
  EXPECT_EQ(ParseJobName("jobs/j-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParseJobName("j-0abc", "name", violations), "j-0abc");
  for (const char* name : {"patterns/p-0abc", "p-0abc", "jobs/j-0abc", "j-0abc"}) {
    EXPECT_EQ(ParsePatternOrJobName(name, "name", violations), "p-0abc") << name;
  }
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
  for (const char* name : {"", "patterns/", "datasets/p-1", "patterns/p-", "patterns/patterns/p-1", "p-A", "p-1/x"}) {
    Violations violations;
    ParsePatternOrJobName(name, "name", violations);
    EXPECT_FALSE(violations.empty()) << name;
  }
}

}  // namespace
}  // namespace headscope::server
