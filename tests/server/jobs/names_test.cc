#include "server/jobs/names.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

// Every enumerator up to `last` has a name of its own that reads back; what is not a name does not.
template <typename Enum>
void ExpectAllNamed(Enum last) {
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    const std::string_view name = Name(static_cast<Enum>(value));
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(FromName<Enum>(name), static_cast<Enum>(value)) << std::string(name);
  }
  EXPECT_EQ(FromName<Enum>(""), std::nullopt);
  EXPECT_EQ(FromName<Enum>("nonsense"), std::nullopt);
}

TEST(NamesTest, EveryEnumeratorHasOne) {
  ExpectAllNamed(JobState::kExpired);
  ExpectAllNamed(Phase::kScore);
  ExpectAllNamed(ShardState::kAbandoned);
  ExpectAllNamed(Outcome::kCancelled);
  ExpectAllNamed(DType::kBFloat16);
  ExpectAllNamed(EngineKind::kFast);
  ExpectAllNamed(OnInvalid::kSkip);
  ExpectAllNamed(LossScale::kBatchTokenMean);
  ExpectAllNamed(Absolute::kPerToken);
  ExpectAllNamed(Positions::kResponse);
  ExpectAllNamed(LayerNorm::kL2);
  ExpectAllNamed(HeadAxis::kKvGroup);
}

TEST(NamesTest, AreWhatUsersKnow) {
  EXPECT_EQ(Name(JobState::kSucceeded), "SUCCEEDED");
  EXPECT_EQ(Name(Outcome::kWorkerLost), "WORKER_LOST");
  EXPECT_EQ(Name(LossScale::kPerSampleMean), "per-sample-mean");
  EXPECT_EQ(Name(HeadAxis::kKvGroup), "kv");
  EXPECT_EQ(Name(DType::kBFloat16), "bfloat16");
}

}  // namespace
}  // namespace headscope::server
