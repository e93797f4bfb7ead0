#include "server/app/measured_store.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"
#include "proto/support/clock.h"
#include "proto/support/random_source.h"
#include "server/store/sqlite_store.h"
#include "tests/server/app/files.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;

TEST(MeasuredStoreTest, EveryOperationIsTimedByOutcomeAndItsAnswerKept) {
  const std::unique_ptr<RandomSource> random = MakeSystemRandom();
  auto store = OpenSqliteStore(MakeFolder("store"), SystemClock(), *random);
  ASSERT_TRUE(store.ok()) << store.status();
  Metrics metrics("1", "r");
  const std::unique_ptr<JobStore> measured = MeasureStore(**store, metrics);

  EXPECT_EQ(measured->GetJob("j-none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(measured->Stats().ok());

  const std::string text = prometheus::TextSerializer().Serialize(metrics.registry()->Collect());
  EXPECT_THAT(text, HasSubstr(R"(headscope_store_operation_seconds_count{op="get_job",outcome="not_found"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(headscope_store_operation_seconds_count{op="stats",outcome="ok"} 1)"));
}

}  // namespace
}  // namespace headscope::server
