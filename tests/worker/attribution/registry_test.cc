#include <algorithm>

#include <gtest/gtest.h>

#include "worker/attribution/method.h"

namespace headscope::worker {
namespace {

TEST(MethodRegistryTest, EveryNamedMethodIsFoundUnderItsName) {
  ASSERT_FALSE(MethodNames().empty());
  for (const std::string& name : MethodNames()) {
    const auto method = FindMethod(name);
    ASSERT_TRUE(method.ok());
    EXPECT_EQ((*method)->name(), name);
  }
}

TEST(MethodRegistryTest, PlaneNamesAreSorted) {
  for (const std::string& name : MethodNames()) {
    const std::vector<std::string> planes = (*FindMethod(name))->PlaneNames();
    EXPECT_TRUE(std::is_sorted(planes.begin(), planes.end()));
  }
}

TEST(MethodRegistryTest, AnUnknownMethodIsRefusedNamingTheKnownOnes) {
  const absl::Status status = FindMethod("rollout").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("rollout"), absl::string_view::npos);
  EXPECT_NE(status.message().find("gradient"), absl::string_view::npos);
}

}  // namespace
}  // namespace headscope::worker
