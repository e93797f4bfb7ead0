#include "server/service/call_scope.h"

#include <chrono>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/wire/status_codec.h"

namespace headscope::server {
namespace {

constexpr char kRequestIdKey[] = "x-request-id";
constexpr absl::Duration kRetryDelay = absl::Seconds(5);

// The client's id when it is one that a log line can hold, else a new one.
std::string RequestIdOf(const grpc::CallbackServerContext& rpc, RandomSource& random) {
  const auto& metadata = rpc.client_metadata();
  const auto sent = metadata.find(kRequestIdKey);
  if (sent == metadata.end()) return MakeId("r-", random);
  std::string id;
  for (const char c : std::string_view(sent->second.data(), sent->second.size()).substr(0, kMaxRequestIdBytes)) {
    if (absl::ascii_isgraph(static_cast<unsigned char>(c))) id += c;
  }
  return id.empty() ? MakeId("r-", random) : id;
}

absl::Status WithRetryDelay(const absl::Status& status) {
  if (!absl::IsUnavailable(status) && !absl::IsResourceExhausted(status)) return status;
  ErrorDetails details = DetailsOf(status);
  if (details.retry_after) return status;
  details.retry_after = kRetryDelay;
  return MakeError(status.code(), std::string(status.message()), std::move(details));
}

}  // namespace

// Latency is measured on the monotonic-enough clock of the machine, not on the injected one, which tests may stop.
CallScope::CallScope(const ServiceContext& context, const grpc::CallbackServerContext& rpc, const MethodName& name)
    : context_(context), rpc_(rpc), name_(name), start_(absl::Now()) {
  context_.metrics.RpcStarted(name_.service, name_.method, name_.type);
  record_.service = name_.service;
  record_.method = name_.method;
  record_.request_id = RequestIdOf(rpc, context_.random);
  record_.peer = rpc.peer();
  if (context_.call_log) context_.call_log(record_);
}

absl::Status CallScope::CheckWanted() const {
  if (rpc_.deadline() < std::chrono::system_clock::now()) {
    return absl::DeadlineExceededError("the deadline passed before the request was worked on");
  }
  if (rpc_.IsCancelled()) return absl::CancelledError("the client cancelled the call");
  return absl::OkStatus();
}

grpc::Status CallScope::End(const absl::Status& status) {
  record_.ended = true;
  record_.status = status;
  record_.latency = absl::Now() - start_;
  context_.metrics.RecordRpc(name_.service, name_.method, name_.type, status.code(),
                             absl::ToDoubleSeconds(record_.latency));
  if (context_.call_log) context_.call_log(record_);
  return ToGrpc(WithRetryDelay(status));
}

}  // namespace headscope::server
