#include "tests/server/app/server_process.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "headscope/v1/dataset_service.grpc.pb.h"
#include "tests/server/app/files.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;

constexpr char kStopped[] = "exited with status 0";
constexpr char kRefused[] = "exited with status 2";
constexpr absl::Duration kPatience = absl::Seconds(60);

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

// grpc.health.v1.Health/Check of one service: the answer's bytes. SERVING is field 1 with value 1.
std::string HealthOf(const std::string& address, const std::string& service) {
  std::string request_bytes;
  if (!service.empty())
    request_bytes = absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
  grpc::Slice slice(request_bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  grpc::GenericStub stub(Connect(address));
  absl::Notification done;
  grpc::Status status;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status end) {
                   status = std::move(end);
                   done.Notify();
                 });
  done.WaitForNotification();
  if (!status.ok()) return status.error_message();
  std::vector<grpc::Slice> slices;
  response.Dump(&slices);
  std::string bytes;
  for (const grpc::Slice& each : slices) bytes.append(reinterpret_cast<const char*>(each.begin()), each.size());
  return bytes;
}

TEST(ServerProcessTest, ServesUntilToldToStop) {
  const std::string folder = MakeFolder("serve");
  ServerProcess server(folder, {});
  auto addresses = server.AwaitReady();
  ASSERT_EQ(addresses.size(), 3u);
  for (const char* service : {"", "headscope.v1.AttributionService", "liveness", "readiness"}) {
    EXPECT_EQ(HealthOf(addresses["listen"], service), "\x08\x01") << service;
  }
  const auto datasets = headscope::v1::DatasetService::NewStub(Connect(addresses["listen"]));
  grpc::ClientContext context;
  headscope::v1::ListDatasetsResponse response;
  EXPECT_TRUE(datasets->ListDatasets(&context, {}, &response).ok());

  server.Signal(SIGTERM);

  EXPECT_EQ(server.AwaitEnd(), kStopped);
  EXPECT_THAT(server.Log(), HasSubstr("\"stopped\""));
  EXPECT_FALSE(std::filesystem::exists(folder + "/ready.json"));
}

TEST(ServerProcessTest, AnotherServerOnTheDataDirectoryIsRefused) {
  const std::string data = MakeFolder("shared") + "/data";
  ServerProcess holder(MakeFolder("holder"), {"--data-dir", data});
  ASSERT_FALSE(holder.AwaitReady().empty());

  ServerProcess second(MakeFolder("second"), {"--data-dir", data});

  EXPECT_EQ(second.AwaitEnd(), kRefused);
  EXPECT_THAT(second.Log(), HasSubstr("the data directory '" + data + "' is in use by process"));
}

TEST(ServerProcessTest, APortInUseIsNamedWithItsFlag) {
  ServerProcess first(MakeFolder("first"), {});
  auto addresses = first.AwaitReady();
  const std::pair<const char*, const char*> cases[] = {
      {"--listen", "listen"}, {"--worker-listen", "worker_listen"}, {"--metrics-listen", "metrics_listen"}};
  for (const auto& [flag, key] : cases) {
    ServerProcess second(MakeFolder(std::string("second-") + key), {flag, addresses[key]});
    EXPECT_EQ(second.AwaitEnd(), kRefused);
    EXPECT_THAT(second.Log(), HasSubstr(absl::StrCat(flag, ": cannot listen on ", addresses[key])));
    EXPECT_THAT(second.Log(), HasSubstr("Address already in use"));
  }
}

TEST(ServerProcessTest, AFileInPlaceOfTheDataDirectoryIsRefused) {
  const std::string folder = MakeFolder("file");
  std::ofstream(folder + "/notadirectory") << "x";
  ServerProcess server(folder, {"--data-dir", folder + "/notadirectory"});
  EXPECT_EQ(server.AwaitEnd(), kRefused);
  EXPECT_THAT(server.Log(), HasSubstr("notadirectory"));
}

TEST(ServerProcessTest, ListeningBeyondTheMachineIsSaidLoudly) {
  ServerProcess server(MakeFolder("open"),
                       {"--listen", "0.0.0.0:0", "--insecure-allow-unauthenticated", "--drain-delay", "0s"});
  ASSERT_FALSE(server.AwaitReady().empty());
  EXPECT_THAT(server.Log(), HasSubstr("INSECURE"));
  server.Signal(SIGINT);
  EXPECT_EQ(server.AwaitEnd(), kStopped);
}

TEST(ServerProcessTest, ASecondSignalEndsTheDrainDelay) {
  ServerProcess server(MakeFolder("hurry"), {"--drain-delay", "1000s"});
  auto addresses = server.AwaitReady();
  server.Signal(SIGTERM);
  const auto draining = [](const std::string& log) { return log.find("\"draining\"") != std::string::npos; };
  ASSERT_NE(AwaitText(server.LogPath(), draining, kPatience), "");
  EXPECT_NE(HealthOf(addresses["listen"], ""), "\x08\x01");
  EXPECT_EQ(HealthOf(addresses["listen"], "liveness"), "\x08\x01");

  server.Signal(SIGTERM);

  EXPECT_EQ(server.AwaitEnd(), kStopped);
}

TEST(ServerProcessTest, ASignalThatComesWhenAllIsDoneDoesNoHarm) {
  const std::string folder = MakeFolder("late");
  ServerProcess server(
      folder, {"--local-workers", "1", "--model-root", folder, "--worker-binary", HEADSCOPE_FAKE_WORKER_BINARY});
  ASSERT_FALSE(server.AwaitReady().empty());
  server.Signal(SIGTERM);
  const auto stopped = [](const std::string& log) { return log.find("\"stopped\"") != std::string::npos; };
  ASSERT_NE(AwaitText(server.LogPath(), stopped, kPatience), "");

  server.Signal(SIGTERM);

  EXPECT_EQ(server.AwaitEnd(), kStopped);
}

TEST(ServerProcessTest, IsReadyWithItsLocalWorkersAndRestartsThem) {
  const std::string folder = MakeFolder("local");
  const std::string started = folder + "/started";
  ServerProcess server(
      folder, {"--local-workers", "1", "--model-root", folder, "--worker-binary", HEADSCOPE_FAKE_WORKER_BINARY});
  auto addresses = server.AwaitReady();
  const auto lines = [](int count) {
    return [count](const std::string& text) { return std::count(text.begin(), text.end(), '\n') >= count; };
  };
  const std::string first = AwaitText(started, lines(1), kPatience);
  ASSERT_NE(first, "") << server.Log();

  kill(std::stoi(first), SIGKILL);

  EXPECT_NE(AwaitText(started, lines(2), kPatience), "") << server.Log();
  EXPECT_THAT(server.Log(), HasSubstr("killed by signal 9"));
  EXPECT_THAT(server.Log(), HasSubstr("\"worker lost\" worker=local-0"));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.AwaitEnd(), kStopped);
}

TEST(ServerProcessTest, LocalWorkersEndWithAServerThatIsKilled) {
  const std::string folder = MakeFolder("killed");
  auto server = std::make_unique<ServerProcess>(
      folder, std::vector<std::string>{"--local-workers", "1", "--model-root", folder, "--worker-binary",
                                       HEADSCOPE_FAKE_WORKER_BINARY});
  ASSERT_FALSE(server->AwaitReady().empty());
  const auto any = [](const std::string& text) { return text.find('\n') != std::string::npos; };
  const int worker = std::stoi(AwaitText(folder + "/started", any, kPatience));

  server->Signal(SIGKILL);

  EXPECT_EQ(server->AwaitEnd(), "killed by signal 9 (Killed)");
  EXPECT_TRUE(AwaitGone(worker, kPatience));
}

}  // namespace
}  // namespace headscope::server
