// A unary call from its reaction through the executors to its answer.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/service/call_scope.h"
#include "server/service/shared.h"

namespace headscope::server {

// A handle: copies are the same call. Finished exactly once, from any thread; whatever an executor refuses to take is
// finished with UNAVAILABLE. The request and the response live until then.
template <typename Response>
class UnaryCall {
 public:
  UnaryCall(Shared& shared, grpc::CallbackServerContext* rpc, const MethodName& name, Response* response)
      : shared_(&shared),
        state_(std::make_shared<State>(shared.context, *rpc, name, rpc->DefaultReactor(), response)) {}

  // What a handler returns to gRPC.
  grpc::ServerUnaryReactor* reactor() const { return state_->reactor; }
  void SetResource(std::string resource) const { state_->scope.SetResource(std::move(resource)); }
  // For long work between executors.
  absl::Status CheckWanted() const { return state_->scope.CheckWanted(); }

  void Finish(absl::StatusOr<Response> answer) const {
    grpc::Status status = state_->scope.End(answer.status());
    if (answer.ok()) *state_->response = *std::move(answer);
    state_->reactor->Finish(std::move(status));
  }
  grpc::ServerUnaryReactor* Refuse(absl::Status status) const {
    Finish(std::move(status));
    return reactor();
  }

  // Runs `work` on the store's thread; it leads to Finish.
  grpc::ServerUnaryReactor* ThenOnStore(std::function<void(JobStore&)> work) const {
    const UnaryCall call = *this;
    const bool posted = shared_->context.store.Post([call, work = std::move(work)](JobStore& store) {
      if (absl::Status status = call.CheckWanted(); !status.ok()) return call.Finish(std::move(status));
      work(store);
    });
    if (!posted) Finish(DrainingError());
    return reactor();
  }
  // Runs `work` on the pool for files and arithmetic; it leads to Finish.
  grpc::ServerUnaryReactor* ThenOnIo(std::function<void()> work) const {
    const UnaryCall call = *this;
    const bool posted = shared_->context.io.Post([call, work = std::move(work)] {
      if (absl::Status status = call.CheckWanted(); !status.ok()) return call.Finish(std::move(status));
      work();
    });
    if (!posted) Finish(DrainingError());
    return reactor();
  }
  // The same on the pool for analyses.
  grpc::ServerUnaryReactor* ThenOnAnalyses(std::function<void()> work) const {
    const UnaryCall call = *this;
    const bool posted = shared_->context.analyses.Post([call, work = std::move(work)] {
      if (absl::Status status = call.CheckWanted(); !status.ok()) return call.Finish(std::move(status));
      work();
    });
    if (!posted) Finish(DrainingError());
    return reactor();
  }
  // The common case: what `answer` returns on the store's thread is the answer.
  grpc::ServerUnaryReactor* AnswerOnStore(std::function<absl::StatusOr<Response>(JobStore&)> answer) const {
    const UnaryCall call = *this;
    return ThenOnStore([call, answer = std::move(answer)](JobStore& store) { call.Finish(answer(store)); });
  }

 private:
  struct State {
    State(const ServiceContext& context, const grpc::CallbackServerContext& rpc, const MethodName& name,
          grpc::ServerUnaryReactor* reactor_in, Response* response_in)
        : scope(context, rpc, name), reactor(reactor_in), response(response_in) {}
    CallScope scope;
    grpc::ServerUnaryReactor* reactor;
    Response* response;
  };

  Shared* shared_;
  std::shared_ptr<State> state_;
};

}  // namespace headscope::server
