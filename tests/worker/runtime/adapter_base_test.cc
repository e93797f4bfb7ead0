#include "worker/runtime/adapter_base.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Names that begin with "tuned" are adapters.
BaseCandidates Candidates() {
  return {
      "/models",
      {"llama", "meta/llama-3", "mirror/llama-3", "qwen/small", "tuned", "tuned-2/base", "other/base", "adapters/gem"},
      [](const std::string& name) { return name.starts_with("tuned") || name.starts_with("adapters"); }};
}

TEST(FindBaseTest, TakesAPathBeneathTheRootFirst) {
  for (const char* written : {"meta/llama-3", "/models/meta/llama-3", "./meta/llama-3", "meta/llama-3/"}) {
    EXPECT_EQ(FindBase("tuned", written, Candidates()).value(), "meta/llama-3") << written;
  }
}

TEST(FindBaseTest, ElseAUniqueLastStep) {
  EXPECT_EQ(FindBase("tuned", "/home/somebody/small", Candidates()).value(), "qwen/small");
  EXPECT_EQ(FindBase("tuned", "org/base", Candidates()).value(), "other/base") << "adapters are no candidates";
}

TEST(FindBaseTest, NamesAllThatItMayBe) {
  const absl::Status status = FindBase("tuned", "org/llama-3", Candidates()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("tuned: "), HasSubstr("org/llama-3"), HasSubstr("meta/llama-3 or mirror/llama-3")));
}

TEST(FindBaseTest, NamesWhatIsNotThere) {
  for (const char* written : {"org/mistral", "../secret", "/etc"}) {
    const absl::Status status = FindBase("tuned", written, Candidates()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr(written));
  }
}

TEST(FindBaseTest, RefusesAnAdapterOfAnAdapter) {
  EXPECT_THAT(std::string(FindBase("x", "tuned", Candidates()).status().message()), HasSubstr("adapter itself"));
  EXPECT_THAT(std::string(FindBase("x", "org/gem", Candidates()).status().message()), HasSubstr("adapters/gem"));
}

}  // namespace
}  // namespace headscope::worker
