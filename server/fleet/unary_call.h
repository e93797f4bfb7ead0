// A unary call that is answered later, from any thread, and at most once.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "proto/support/wire/status_codec.h"
#include "server/fleet/call_clock.h"
#include "server/fleet/fleet_parts.h"
#include "server/fleet/live_calls.h"

namespace headscope::server {

// Lives until gRPC is done with it and nobody else holds it. Thread-safe.
template <typename Request, typename Response>
class UnaryCall final : public grpc::ServerUnaryReactor,
                        public LiveCall,
                        public std::enable_shared_from_this<UnaryCall<Request, Response>> {
 public:
  // The reactor to return to gRPC is the call itself; it may have ended already (the fleet stops).
  static std::shared_ptr<UnaryCall> Begin(FleetParts& parts, const char* method, const Request* request,
                                          Response* response) {
    std::shared_ptr<UnaryCall> call(new UnaryCall(parts, method, *request, response));
    call->self_ = call;
    if (!parts.calls.Add(call)) call->Abort(FleetIsStopping());
    return call;
  }

  const Request& request() const { return request_; }
  bool finished() const { return finished_; }

  // Answers with what `fill` writes. False: the call was over, `fill` did not run.
  template <typename Fill>
  bool Answer(Fill fill) {
    if (finished_.exchange(true)) return false;
    fill(*response_);
    Finish(grpc::Status::OK);
    return true;
  }
  bool Answer() {
    return Answer([](Response&) {});
  }
  void Abort(const absl::Status& status) override {
    if (finished_.exchange(true)) return;
    clock_.SetCode(status.code());
    Finish(ToGrpc(status));
  }

  // Runs `work` on the store's thread, unless the fleet stops: then the call ends.
  void OnStore(std::function<void(JobStore&)> work) {
    if (!parts_.posts.Store(std::move(work))) Abort(FleetIsStopping());
  }

  void OnCancel() override { Abort(absl::CancelledError("the worker hung up")); }
  void OnDone() override {
    parts_.calls.Remove(this);
    clock_.Record(parts_.metrics);
    const std::shared_ptr<UnaryCall> last = std::move(self_);
  }

 private:
  UnaryCall(FleetParts& parts, const char* method, Request request, Response* response)
      : parts_(parts),
        request_(std::move(request)),
        response_(response),
        clock_(parts.metrics, method, RpcType::kUnary) {}

  FleetParts& parts_;
  const Request request_;
  // gRPC's; valid until the call has finished.
  Response* const response_;
  CallClock clock_;
  std::atomic<bool> finished_ = false;
  // Released when gRPC is done.
  std::shared_ptr<UnaryCall> self_;
};

}  // namespace headscope::server
