#include "server/app/server_options.h"

#include <filesystem>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<ServerOptions> Read(const std::vector<std::string>& arguments) {
  Flags flags = MakeServerFlags();
  const absl::Status parsed = flags.Parse(arguments, [](const std::string&) { return std::nullopt; });
  if (!parsed.ok()) return parsed;
  return ReadServerOptions(flags);
}

std::string RefusalOf(const std::vector<std::string>& arguments) {
  const auto options = Read(arguments);
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(options.status().message());
}

TEST(ServerOptionsTest, DefaultsAreThoseOfTheContract) {
  const auto options = Read({"--data-dir", "d"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen.ToString(), "127.0.0.1:50051");
  EXPECT_EQ(options->worker_listen.ToString(), "127.0.0.1:50052");
  EXPECT_EQ(options->metrics_listen.ToString(), "127.0.0.1:9464");
  EXPECT_EQ(options->local_workers, 0);
  EXPECT_EQ(options->drain_delay, absl::ZeroDuration());
  EXPECT_EQ(options->rank_idle_limit, absl::Minutes(1));
  EXPECT_FALSE(options->exposed);
}

TEST(ServerOptionsTest, TheDataDirectoryIsNeeded) {
  EXPECT_THAT(RefusalOf({}), HasSubstr("--data-dir: wanted the directory to keep jobs"));
}

TEST(ServerOptionsTest, AnotherStoreIsRefusedByName) {
  EXPECT_THAT(RefusalOf({"--data-dir", "d", "--store", "postgresql://host/db"}),
              HasSubstr("this build has the embedded store only"));
}

TEST(ServerOptionsTest, EveryListenerStaysOnThisMachineUnlessToldLoudly) {
  for (const char* flag : {"--listen", "--worker-listen", "--metrics-listen"}) {
    const std::string refusal = RefusalOf({"--data-dir", "d", flag, "0.0.0.0:1"});
    EXPECT_THAT(refusal, HasSubstr(flag));
    EXPECT_THAT(refusal, HasSubstr("--insecure-allow-unauthenticated"));
  }
  const auto options = Read({"--data-dir", "d", "--listen", "0.0.0.0:1", "--insecure-allow-unauthenticated"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->exposed);
  EXPECT_EQ(options->drain_delay, absl::Seconds(5));
}

TEST(ServerOptionsTest, RankingsMayWaitAsLongAsToldButNotForEver) {
  const auto options = Read({"--data-dir", "d", "--rank-idle-limit", "5m"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->rank_idle_limit, absl::Minutes(5));
  for (const char* bad : {"0s", "25h", "soon"}) {
    EXPECT_THAT(RefusalOf({"--data-dir", "d", "--rank-idle-limit", bad}), HasSubstr("--rank-idle-limit"));
  }
}

TEST(ServerOptionsTest, MetricsKnowNoIpv6) {
  EXPECT_THAT(RefusalOf({"--data-dir", "d", "--metrics-listen", "[::1]:1"}), HasSubstr("an IPv4 address"));
}

TEST(ServerOptionsTest, LocalWorkersNeedAModelRootAndAProgram) {
  const std::string root = ::testing::TempDir();
  EXPECT_THAT(RefusalOf({"--data-dir", "d", "--local-workers", "1"}), HasSubstr("--model-root"));
  EXPECT_THAT(RefusalOf({"--data-dir", "d", "--local-workers", "1", "--model-root", "/no/such"}),
              HasSubstr("--model-root"));
  EXPECT_THAT(RefusalOf({"--data-dir", "d", "--local-workers", "1", "--model-root", root, "--worker-binary", "/no/w"}),
              HasSubstr("there is no program at /no/w"));
}

TEST(ServerOptionsTest, LocalWorkersShareCoresAndMemory) {
  const std::vector<std::string> three = {
      "--data-dir", "d", "--local-workers", "3", "--model-root", ::testing::TempDir(), "--worker-binary", "/bin/sh"};
  const auto options = Read(three);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_GE(options->worker_threads, 1);
  EXPECT_NE(options->worker_memory_budget, "auto");

  std::vector<std::string> told = three;
  told.insert(told.end(), {"--worker-threads", "5", "--worker-memory-budget", "2GiB"});
  EXPECT_EQ(Read(told)->worker_threads, 5);
  EXPECT_EQ(Read(told)->worker_memory_budget, "2147483648");
}

TEST(ServerOptionsTest, TheReadyFilesFolderMustBeThere) {
  EXPECT_THAT(RefusalOf({"--data-dir", "d", "--ready-file", "/no/such/folder/ready"}), HasSubstr("--ready-file"));
}

}  // namespace
}  // namespace headscope::server
