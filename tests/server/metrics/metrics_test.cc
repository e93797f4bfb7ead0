#include "server/metrics/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/exposer.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string TextOf(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.registry()->Collect());
}

TEST(MetricsTest, BuildInfoCarriesTheVersion) {
  const Metrics metrics("1.2.3", "abc");
  EXPECT_THAT(TextOf(metrics), HasSubstr(R"(headscope_build_info{revision="abc",version="1.2.3"} 1)"));
}

TEST(MetricsTest, RpcsAreCountedByCodeUnderTheUsualNames) {
  Metrics metrics("1", "r");
  metrics.RpcStarted("headscope.v1.ModelService", "Tokenize", RpcType::kServerStream);
  metrics.RecordRpc("headscope.v1.ModelService", "Tokenize", RpcType::kServerStream, absl::StatusCode::kNotFound, 0.02);

  const std::string text = TextOf(metrics);

  EXPECT_THAT(text,
              HasSubstr("grpc_server_started_total{grpc_method=\"Tokenize\",grpc_service=\"headscope.v1.ModelService\","
                        "grpc_type=\"server_stream\"} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"NotFound\",grpc_method=\"Tokenize\""));
  EXPECT_THAT(text, HasSubstr("le=\"0.025\"} 1"));
  EXPECT_THAT(text, HasSubstr("le=\"0.01\"} 0"));
}

// Messages of one call, as "received sent".
std::string MessagesOf(RpcType type, absl::StatusCode code) {
  Metrics metrics("1", "r");
  metrics.RpcStarted("s", "m", type);
  if (type == RpcType::kClientStream) {
    for (int i = 0; i < 3; ++i) metrics.MessageReceived("s", "m", type);
  }
  if (type == RpcType::kServerStream) {
    for (int i = 0; i < 3; ++i) metrics.MessageSent("s", "m", type);
  }
  metrics.RecordRpc("s", "m", type, code, 0.1);
  const auto total = [families = metrics.registry()->Collect()](const std::string& name) {
    for (const auto& family : families) {
      if (family.name == name && !family.metric.empty()) return family.metric[0].counter.value;
    }
    return 0.0;
  };
  return absl::StrCat(total("grpc_server_msg_received_total"), " ", total("grpc_server_msg_sent_total"));
}

TEST(MetricsTest, MessagesAreCountedInEveryShapeOfCall) {
  EXPECT_EQ(MessagesOf(RpcType::kUnary, absl::StatusCode::kOk), "1 1");
  EXPECT_EQ(MessagesOf(RpcType::kUnary, absl::StatusCode::kNotFound), "1 0");
  EXPECT_EQ(MessagesOf(RpcType::kClientStream, absl::StatusCode::kOk), "3 1");
  EXPECT_EQ(MessagesOf(RpcType::kServerStream, absl::StatusCode::kOk), "1 3");
}

TEST(MetricsTest, JobsAndShardsThatWaitAreCountedApart) {
  Metrics metrics("1", "r");
  metrics.SetKnownModels({"gpt2"});
  metrics.SetQueueDepth({{{"gpt2", 5}, 2}});
  metrics.SetQueueShards({{{"gpt2", 5}, 17}});

  const std::string text = TextOf(metrics);

  EXPECT_THAT(text, HasSubstr(R"(headscope_queue_depth{model="gpt2",priority="5"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(headscope_queue_shards{model="gpt2",priority="5"} 17)"));
}

TEST(MetricsTest, CountersWithoutLabelsExistFromTheStart) {
  const Metrics metrics("1", "r");
  for (const char* name : {"headscope_local_worker_restarts_total", "headscope_artifact_bytes_written_total",
                           "headscope_stale_completions_rejected_total", "headscope_leases_expired_total"}) {
    EXPECT_THAT(TextOf(metrics), HasSubstr(std::string("\n") + name + " 0"));
  }
}

TEST(MetricsTest, AModelNobodyHasBecomesOther) {
  Metrics metrics("1", "r");
  metrics.SetKnownModels({"gpt2"});
  const absl::Duration run = absl::Seconds(3);
  metrics.JobFinished("gradient", "gpt2", "succeeded", "", 2, absl::Seconds(5), &run, &run);
  metrics.JobFinished("gradient", "a client's invention", "failed", "POISONED", 2, absl::Seconds(5), &run, nullptr);

  const std::string text = TextOf(metrics);

  EXPECT_THAT(text, HasSubstr(R"(headscope_job_run_seconds_count{kind="gradient",model="gpt2"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(headscope_job_queue_seconds_count{kind="gradient",model="other"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(headscope_jobs_finished_total{kind="gradient",reason="POISONED",state="failed"} 1)"));
  EXPECT_THAT(text, Not(HasSubstr("invention")));
}

TEST(MetricsTest, AQueueThatEmptiedReadsZero) {
  Metrics metrics("1", "r");
  metrics.SetKnownModels({"gpt2"});
  metrics.SetQueueDepth({{{"gpt2", 5}, 7}});
  EXPECT_THAT(TextOf(metrics), HasSubstr(R"(headscope_queue_depth{model="gpt2",priority="5"} 7)"));

  metrics.SetQueueDepth({});

  EXPECT_THAT(TextOf(metrics), HasSubstr(R"(headscope_queue_depth{model="gpt2",priority="5"} 0)"));
}

TEST(MetricsTest, TheOldestOfSeveralUnknownModelsCounts) {
  Metrics metrics("1", "r");
  metrics.SetQueueOldestAge({{"a", absl::Seconds(9)}, {"b", absl::Seconds(4)}});
  EXPECT_THAT(TextOf(metrics), HasSubstr(R"(headscope_queue_oldest_age_seconds{model="other"} 9)"));
}

TEST(MetricsTest, AlertingSeriesExistFromTheStart) {
  const std::string text = TextOf(Metrics("1", "r"));
  for (const char* series : {"headscope_leases_expired_total 0", "headscope_stale_completions_rejected_total 0",
                             "headscope_draining 0", "headscope_workers{state=\"idle\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

// The whole answer to GET /metrics.
std::string Scrape(const HostPort& address) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &target.sin_addr);
  std::string answer;
  if (connect(connection, reinterpret_cast<sockaddr*>(&target), sizeof(target)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    send(connection, request.data(), request.size(), 0);
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(connection, buffer, sizeof(buffer), 0)) > 0;) answer.append(buffer, got);
  }
  close(connection);
  return answer;
}

TEST(MetricsExposerTest, ServesTheRegistryAndTheProcessOnAFreePort) {
  Metrics metrics("1", "r");
  metrics.SetDraining(true);
  const auto exposer = MetricsExposer::Start({"127.0.0.1", 0}, metrics);
  ASSERT_TRUE(exposer.ok()) << exposer.status();
  ASSERT_NE((*exposer)->address().port, 0);

  const std::string answer = Scrape((*exposer)->address());

  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("headscope_draining 1"));
  EXPECT_THAT(answer, HasSubstr("process_resident_memory_bytes"));
  EXPECT_THAT(answer, HasSubstr("process_start_time_seconds"));
}

TEST(MetricsExposerTest, APortInUseIsAnError) {
  const Metrics metrics("1", "r");
  const auto first = MetricsExposer::Start({"127.0.0.1", 0}, metrics);
  ASSERT_TRUE(first.ok());

  const auto second = MetricsExposer::Start((*first)->address(), metrics);

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr((*first)->address().ToString()));
}

}  // namespace
}  // namespace headscope::server
