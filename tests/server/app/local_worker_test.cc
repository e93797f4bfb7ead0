#include "server/app/local_worker.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "absl/strings/str_join.h"
#include "absl/synchronization/blocking_counter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/app/local_workers.h"
#include "server/app/ready_file.h"
#include "server/app/ready_gate.h"
#include "tests/server/app/files.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(60);

bool HasLine(const std::string& text) { return text.find('\n') != std::string::npos; }

LocalWorker::Options Shell(const std::string& script) {
  LocalWorker::Options options;
  options.worker_id = "local-0";
  options.child.program = "/bin/sh";
  options.child.arguments = {"-c", script};
  options.child.environment = {"PATH=/usr/bin:/bin"};
  options.first_wait = absl::Milliseconds(1);
  return options;
}

TEST(LocalWorkerTest, AProcessThatDiesIsReportedAndStartedAgain) {
  const std::string starts = MakeFolder("starts") + "/starts";
  absl::BlockingCounter deaths(3);
  std::atomic<int> reported = 0;
  LocalWorker worker(Shell("echo start >> " + starts), [&](const std::string& id) {
    EXPECT_EQ(id, "local-0");
    if (++reported <= 3) deaths.DecrementCount();
  });
  worker.Start();
  deaths.Wait();

  worker.EndWith(SIGKILL);

  EXPECT_TRUE(worker.AwaitEnd(kPatience));
  const std::string text = ReadText(starts);
  EXPECT_GE(std::count(text.begin(), text.end(), '\n'), 3);
}

TEST(LocalWorkerTest, AProcessThatIsToldToEndIsNotReported) {
  const std::string started = MakeFolder("end") + "/started";
  bool died = false;
  LocalWorker worker(Shell("echo on > " + started + "; exec sleep 1000"), [&](const std::string&) { died = true; });
  worker.Start();
  ASSERT_NE(AwaitText(started, HasLine, kPatience), "");

  worker.EndWith(SIGTERM);

  EXPECT_TRUE(worker.AwaitEnd(kPatience));
  EXPECT_FALSE(died);
}

TEST(LocalWorkerTest, ClosingTheLifeLineReachesTheProcess) {
  const std::string folder = MakeFolder("line");
  LocalWorker worker(Shell("echo on > " + folder + "/started; cat <&3; echo gone > " + folder + "/gone"),
                     [](const std::string&) {});
  worker.Start();
  ASSERT_NE(AwaitText(folder + "/started", HasLine, kPatience), "");

  worker.EndWith(0);
  worker.CloseLifeLine();

  EXPECT_TRUE(worker.AwaitEnd(kPatience));
  EXPECT_EQ(ReadText(folder + "/gone"), "gone\n");
}

TEST(LocalWorkerTest, AProgramThatIsNotThereIsTriedAgainUntilTheEnd) {
  LocalWorker::Options options = Shell("");
  options.child.program = "/no/such/program";
  LocalWorker worker(options, [](const std::string&) { FAIL() << "nothing was started"; });
  worker.Start();
  worker.EndWith(SIGTERM);
  EXPECT_TRUE(worker.AwaitEnd(kPatience));
}

TEST(LocalWorkersTest, WhatDoesNotListenIsKilledInTheEnd) {
  const std::string started = MakeFolder("deaf") + "/started";
  LocalWorkers workers;
  workers.Add(Shell("trap '' TERM; echo on > " + started + "; exec sleep 1000"), [](const std::string&) {});
  workers.Start();
  ASSERT_NE(AwaitText(started, HasLine, kPatience), "");

  workers.BeginStop();
  workers.FinishStop({absl::Milliseconds(1), absl::Milliseconds(1), absl::Milliseconds(1)});
}

TEST(LocalWorkersTest, TheChildIsToldWhereAndWhatAndNothingElse) {
  ServerOptions options;
  options.worker_binary = "/opt/worker";
  options.model_root = "/models";
  options.worker_threads = 3;
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return "/home/x";
    if (name == "SECRET") return "do not tell";
    return std::nullopt;
  };

  const ChildOptions child = LocalWorkerChild(options, {"0.0.0.0", 77}, "local-1", "token", environment);

  EXPECT_EQ(child.program, "/opt/worker");
  const std::string arguments = absl::StrJoin(child.arguments, " ");
  EXPECT_THAT(arguments, HasSubstr("--server 127.0.0.1:77 "));
  EXPECT_THAT(arguments, HasSubstr("--worker-id local-1 "));
  EXPECT_THAT(arguments, HasSubstr("--threads 3 "));
  EXPECT_THAT(arguments, HasSubstr("--parent-fd 3"));
  // Command lines can be read by others.
  EXPECT_THAT(arguments, Not(HasSubstr("token")));
  EXPECT_THAT(child.environment,
              ::testing::UnorderedElementsAre("HOME=/home/x", "OMP_NUM_THREADS=3", "HEADSCOPE_WORKER_TOKEN=token"));
}

TEST(ReadyGateTest, OpensWithTheLastWorker) {
  ReadyGate gate;
  gate.Expect({"local-0", "local-1"});
  gate.Arrived("local-0");
  gate.Arrived("a stranger");
  EXPECT_EQ(gate.Await(absl::ZeroDuration()), 1u);
  gate.Arrived("local-1");
  EXPECT_EQ(gate.Await(kPatience), 0u);
}

TEST(ReadyGateTest, WithoutWorkersItIsOpen) {
  ReadyGate gate;
  gate.Expect({});
  EXPECT_EQ(gate.Await(kPatience), 0u);
}

TEST(ReadyFileTest, HoldsTheRealAddressesAndLeavesNothingBeside) {
  const std::string folder = MakeFolder("ready");
  ASSERT_TRUE(WriteReadyFile(folder + "/ready.json", {{"127.0.0.1", 1}, {"::1", 2}, {"127.0.0.1", 3}}).ok());
  EXPECT_THAT(
      ReadText(folder + "/ready.json"),
      HasSubstr(R"({"listen": "127.0.0.1:1", "worker_listen": "[::1]:2", "metrics_listen": "127.0.0.1:3", "pid": )"));
  const std::filesystem::directory_iterator files(folder);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  EXPECT_FALSE(WriteReadyFile("/no/such/folder/ready", {}).ok());
}

}  // namespace
}  // namespace headscope::server
