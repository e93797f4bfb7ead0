#include "worker/runtime/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, SaysWhatWasCounted) {
  Metrics metrics("0.1.0", "1.13.1", "cpu (2 threads)");
  metrics.ObserveBatch("demo", 100, 20, 4);
  metrics.ObserveBatch("demo", 50, 0, 1);
  metrics.ObserveStage(Stage::kScore, 0.2);
  metrics.ShardEnded("score", "completed");
  metrics.OutOfMemory();
  metrics.SetConnected(true);
  const std::string text = metrics.Text();
  EXPECT_THAT(
      text,
      HasSubstr("headscope_worker_build_info{device=\"cpu (2 threads)\",libtorch=\"1.13.1\",version=\"0.1.0\"} 1"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_tokens_total{model=\"demo\"} 150"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_padded_tokens_total{model=\"demo\"} 20"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_batches_total{model=\"demo\"} 2"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_batch_size_count 2"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_stage_seconds_count{stage=\"score\"} 1"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_shards_total{outcome=\"completed\",phase=\"score\"} 1"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_oom_total 1"));
  EXPECT_THAT(text, HasSubstr("headscope_worker_connected 1"));
  EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes"));
}

TEST(MetricsTest, ForgetsModelsThatAreNoLongerResident) {
  Metrics metrics("0.1.0", "1.13.1", "cpu");
  metrics.SetResident({{"a", 1000}, {"b", 2000}});
  EXPECT_THAT(metrics.Text(), HasSubstr("headscope_model_resident_bytes{model=\"a\"} 1000"));
  metrics.SetResident({{"b", 3000}});
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("headscope_model_resident_bytes{model=\"a\"}")));
  EXPECT_THAT(metrics.Text(), HasSubstr("headscope_model_resident_bytes{model=\"b\"} 3000"));
}

}  // namespace
}  // namespace headscope::worker
