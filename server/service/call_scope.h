// The frame of a call: counted, logged with its request id, and asked whether anybody still waits.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "absl/status/status.h"
#include "server/metrics/metrics.h"
#include "server/service/call_log.h"
#include "server/service/services.h"

namespace headscope::server {

// Which RPC it is: "headscope.v1.AttributionService", "SubmitJob".
struct MethodName {
  const char* service;
  const char* method;
  RpcType type;
};

// Thread-compatible; lives at most as long as `rpc`, the call's context.
class CallScope {
 public:
  // Records the start.
  CallScope(const ServiceContext& context, const grpc::CallbackServerContext& rpc, const MethodName& name);
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  // For the log: "jobs/j-...".
  void SetResource(std::string resource) { record_.resource = std::move(resource); }
  // OK, or CANCELLED / DEADLINE_EXCEEDED when the client waits no more: asked before work begins.
  absl::Status CheckWanted() const;
  // One message of a stream.
  void Received() const { context_.metrics.MessageReceived(name_.service, name_.method, name_.type); }
  void Sent() const { context_.metrics.MessageSent(name_.service, name_.method, name_.type); }
  // Records the end and returns what the client is told: UNAVAILABLE and RESOURCE_EXHAUSTED always say when to try
  // again. Once.
  grpc::Status End(const absl::Status& status);

 private:
  const ServiceContext& context_;
  const grpc::CallbackServerContext& rpc_;
  const MethodName name_;
  const absl::Time start_;
  CallRecord record_;
};

}  // namespace headscope::server
