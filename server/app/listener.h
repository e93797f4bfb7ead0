// One gRPC server on one address, with this project's limits and a health service.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/support/flags.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace headscope::server {

// For the whole process, before the first Listener: the health service, reflection if wanted, gRPC's messages as log
// lines.
void ConfigureGrpc(bool reflection);

// Why the system will not let anybody listen on an address now: "Address already in use".
std::string ReasonNotToListen(const HostPort& address);

// Serves from construction; Shutdown before destruction. Thread-safe.
class Listener {
 public:
  // Port 0 picks a free one. UNAVAILABLE names the address, `flag` ("--listen") and the system's reason.
  // `services` outlive the listener.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(const std::string& flag, const HostPort& address,
                                                         const std::vector<grpc::Service*>& services);
  ~Listener();

  // With the real port.
  const HostPort& address() const { return address_; }
  // Health of "", "readiness" and the services named here; "liveness" is SERVING as long as anything answers.
  void SetServing(bool serving, const std::vector<std::string>& service_names);
  // Stops accepting; calls that have not ended after `grace` are cancelled. Returns when all have ended.
  void Shutdown(absl::Duration grace);

 private:
  Listener(HostPort address, std::unique_ptr<grpc::Server> server);

  HostPort address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace headscope::server
