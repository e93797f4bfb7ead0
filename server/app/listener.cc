#include "server/app/listener.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/log.h"

namespace headscope::server {
namespace {

void LogFromGrpc(gpr_log_func_args* line) {
  // Listener::Start says it in words.
  if (absl::StrContains(line->message, "No address added")) return;
  if (line->severity == GPR_LOG_SEVERITY_ERROR) Log(LogLevel::kWarning, "grpc", {{"text", line->message}});
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  // Two servers must not share a port unnoticed.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Long polls and watches: who is gone without a word is noticed, and who asks whether we live is not cut off.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 20'000);
}

}  // namespace

std::string ReasonNotToListen(const HostPort& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (error != 0) return gai_strerror(error);
  std::string reason = "no address could be listened on";
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int probe = socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    if (probe < 0) continue;
    const int on = 1;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const bool listening = bind(probe, each->ai_addr, each->ai_addrlen) == 0 && listen(probe, 1) == 0;
    if (!listening) reason = std::strerror(errno);
    close(probe);
    if (!listening) break;
  }
  freeaddrinfo(found);
  return reason;
}

void ConfigureGrpc(bool reflection) {
  gpr_set_log_function(LogFromGrpc);
  grpc::EnableDefaultHealthCheckService(true);
  if (reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(const std::string& flag, const HostPort& address,
                                                          const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address.ToString(), grpc::InsecureServerCredentials(), &port);
  SetLimits(builder);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return MakeError(absl::StatusCode::kUnavailable,
                     absl::StrCat(flag, ": cannot listen on ", address.ToString(), ": ", ReasonNotToListen(address),
                                  "; choose another port (0: any free one) or end what uses it"),
                     "CANNOT_LISTEN");
  }
  const HostPort real{address.host, static_cast<std::uint16_t>(port)};
  return std::unique_ptr<Listener>(new Listener(real, std::move(server)));
}

Listener::Listener(HostPort address, std::unique_ptr<grpc::Server> server)
    : address_(std::move(address)), server_(std::move(server)) {}

Listener::~Listener() = default;

void Listener::SetServing(bool serving, const std::vector<std::string>& service_names) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  if (health == nullptr) return;
  health->SetServingStatus("liveness", true);
  health->SetServingStatus("readiness", serving);
  health->SetServingStatus("", serving);
  for (const std::string& name : service_names) health->SetServingStatus(name, serving);
}

void Listener::Shutdown(absl::Duration grace) { server_->Shutdown(absl::ToChronoTime(absl::Now() + grace)); }

}  // namespace headscope::server
