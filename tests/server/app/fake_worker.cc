// Stands in for headscope-worker where a test starts the real server with local workers: opens its session with the
// token it was given, appends its process id to <model root>/started, and ends with its life line or SIGTERM.
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "headscope/worker/v1/worker_service.grpc.pb.h"

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  const auto stub = headscope::worker::v1::WorkerService::NewStub(
      grpc::CreateChannel(flags["--server"], grpc::InsecureChannelCredentials()));
  headscope::worker::v1::OpenSessionRequest request;
  request.set_worker_id(flags["--worker-id"]);
  request.set_boot_id(std::to_string(getpid()));
  request.set_min_protocol(2);
  request.set_max_protocol(2);
  grpc::ClientContext context;
  const char* token = std::getenv("HEADSCOPE_WORKER_TOKEN");
  context.AddMetadata("headscope-local-token", token == nullptr ? "" : token);
  headscope::worker::v1::OpenSessionResponse response;
  if (!stub->OpenSession(&context, request, &response).ok()) return 1;
  std::ofstream(flags["--model-root"] + "/started", std::ios::app) << getpid() << "\n";
  char byte = 0;
  while (read(std::stoi(flags["--parent-fd"]), &byte, 1) > 0) {
  }
  return 0;
}
