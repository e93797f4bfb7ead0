#include "tests/client/fake_server.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "tests/client/fake_services.h"

namespace headscope::tests {

struct FakeServer::Impl {
  FakeState state;
  std::unique_ptr<grpc::Service> services[4] = {MakeFakeModelService(state), MakeFakeDatasetService(state),
                                                MakeFakeAttributionService(state), MakeFakePatternService(state)};
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

FakeServer::FakeServer() : impl_(std::make_unique<Impl>()) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (const auto& service : impl_->services) builder.RegisterService(service.get());
  impl_->server = builder.BuildAndStart();
  impl_->address = absl::StrCat("127.0.0.1:", port);
}

FakeServer::~FakeServer() { impl_->server->Shutdown(); }

FakeState& FakeServer::state() { return impl_->state; }

const std::string& FakeServer::address() const { return impl_->address; }

void FakeServer::SetServing(bool serving) { impl_->server->GetHealthCheckService()->SetServingStatus(serving); }

std::string DeadAddress() {
  // A port that was free a moment ago: its server is gone.
  return FakeServer().address();
}

}  // namespace headscope::tests
