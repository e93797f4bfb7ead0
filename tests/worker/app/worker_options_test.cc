#include "worker/app/worker_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace headscope::worker {
namespace {

using testing::HasSubstr;

absl::StatusOr<WorkerOptions> Read(const std::vector<std::string>& arguments,
                                   const std::map<std::string, std::string>& variables = {}) {
  const Environment environment = [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  Flags flags = MakeWorkerFlags();
  const absl::Status parsed = flags.Parse(arguments, environment);
  if (!parsed.ok()) return parsed;
  return ReadWorkerOptions(flags, environment);
}

TEST(WorkerOptionsTest, NeedsOnlyAModelRoot) {
  const WorkerOptions options = Read({"--model-root", "models"}).value();
  EXPECT_EQ(options.server.ToString(), "127.0.0.1:50052");
  EXPECT_EQ(options.model_root, "models");
  EXPECT_EQ(options.device, "cpu");
  EXPECT_GE(options.threads, 1);
  EXPECT_GT(options.memory_budget, 0);
  EXPECT_FALSE(options.metrics_listen.has_value());
  EXPECT_EQ(options.parent_fd, -1);
  EXPECT_EQ(options.token, "");
}

TEST(WorkerOptionsTest, TakesFlagsBeforeVariables) {
  const WorkerOptions options =
      Read({"--model-root=models", "--threads", "3", "--memory-budget", "1.5GiB", "--metrics-listen", "127.0.0.1:0"},
           {{"HEADSCOPE_WORKER_THREADS", "7"},
            {"HEADSCOPE_WORKER_SERVER", "far:1234"},
            {"HEADSCOPE_WORKER_TOKEN", "secret"}})
          .value();
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.memory_budget, std::int64_t{3} << 29);
  EXPECT_EQ(options.metrics_listen->port, 0);
  EXPECT_EQ(options.server.ToString(), "far:1234");
  EXPECT_EQ(options.token, "secret");
}

TEST(WorkerOptionsTest, NamesTheFlagThatIsWrong) {
  const std::map<std::string, std::vector<std::string>> wrong = {
      {"--model-root", {}},
      {"--threads", {"--model-root=m", "--threads=many"}},
      {"--memory-budget", {"--model-root=m", "--memory-budget=0"}},
      {"--server", {"--model-root=m", "--server=nowhere"}},
      {"--worker-id", {"--model-root=m", "--worker-id=two words"}},
      {"--parent-fd", {"--model-root=m", "--parent-fd=987"}},
      {"--log-format", {"--model-root=m", "--log-format=xml"}},
  };
  for (const auto& [flag, arguments] : wrong) {
    const auto options = Read(arguments);
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument) << flag;
    EXPECT_THAT(std::string(options.status().message()), HasSubstr(flag));
  }
}

}  // namespace
}  // namespace headscope::worker
