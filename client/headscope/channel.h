// The gRPC channel of a client: retries, keepalive, limits.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/headscope/client.h"

namespace headscope::client {

// Waits until the connection stands. UNAVAILABLE, naming the address, when it does not come up.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ClientOptions& options);

}  // namespace headscope::client
