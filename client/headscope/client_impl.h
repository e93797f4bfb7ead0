// What the parts of Client share: one channel, one stub per service, and how a unary call is made.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/headscope/client.h"
#include "client/headscope/patience.h"
#include "headscope/v1/attribution_service.grpc.pb.h"
#include "headscope/v1/dataset_service.grpc.pb.h"
#include "headscope/v1/model_service.grpc.pb.h"
#include "headscope/v1/pattern_service.grpc.pb.h"
#include "proto/support/random_source.h"
#include "proto/support/wire/status_codec.h"

namespace headscope::client {

// Constant after construction; stubs are thread-safe.
struct Client::Impl {
  std::shared_ptr<grpc::Channel> channel;
  ClientOptions options;
  std::unique_ptr<RandomSource> random;
  std::unique_ptr<v1::AttributionService::Stub> jobs;
  std::unique_ptr<v1::DatasetService::Stub> datasets;
  std::unique_ptr<v1::ModelService::Stub> models;
  std::unique_ptr<v1::PatternService::Stub> patterns;

  // One unary call with the deadline of all of them: Call(*jobs, &Stub::GetJob, request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request) const {
    return Call(stub, method, request, options.call_timeout);
  }
  // The same for what is computed from patterns.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallLong(Stub& stub,
                                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                    const Request& request, const LongCall& hooks) const {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + options.analysis_timeout));
    Response response;
    grpc::Status status;
    absl::Notification done;
    // Hooks are called on this thread.
    std::thread call([&] {
      status = (stub.*method)(&context, request, &response);
      done.Notify();
    });
    bool stopped = false;
    while (!done.WaitForNotificationWithTimeout(absl::Milliseconds(100))) {
      if (stopped || KeepGoing(hooks)) continue;
      stopped = true;
      context.TryCancel();
    }
    call.join();
    if (stopped) return Stopped();
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, absl::Duration timeout) const {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
};

// "jobs/" + id, whether or not `id` has the prefix already.
inline std::string Named(const std::string& prefix, const std::string& id) {
  return absl::StartsWith(id, prefix) ? id : prefix + id;
}

}  // namespace headscope::client
