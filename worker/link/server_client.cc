#include "worker/link/server_client.h"

#include <grpcpp/grpcpp.h>

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "headscope/worker/v1/worker_service.grpc.pb.h"
#include "proto/support/limits.h"
#include "proto/support/wire/status_codec.h"

namespace headscope::worker {
namespace {

constexpr char kTokenKey[] = "headscope-local-token";

// service.md 4: pings keep the way through NATs open during long polls; the server permits them.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

class ServerClient::Impl {
 public:
  using Stub = v1::WorkerService::Stub;

  explicit Impl(const LinkOptions& options)
      : token_(options.token),
        call_deadline_(options.call_deadline),
        stub_(v1::WorkerService::NewStub(MakeChannel(options.server))) {}

  // Makes and registers the context of one call, so that it can be ended; ends with it.
  class Call {
   public:
    Call(Impl& impl, absl::Duration deadline, bool leasing) : impl_(impl) {
      context_.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
      context_.set_wait_for_ready(true);
      if (!impl.token_.empty()) context_.AddMetadata(kTokenKey, impl.token_);
      absl::MutexLock lock(&impl_.mutex_);
      impl_.calls_[&context_] = leasing;
      if (leasing && impl_.leasing_ended_) context_.TryCancel();
    }
    ~Call() {
      absl::MutexLock lock(&impl_.mutex_);
      impl_.calls_.erase(&context_);
    }
    grpc::ClientContext& context() { return context_; }

   private:
    Impl& impl_;
    grpc::ClientContext context_;
  };

  // One unary call.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Unary(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 const Request& request, absl::Duration deadline, bool leasing = false) {
    Call call(*this, deadline, leasing);
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&call.context(), request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

  void Cancel(bool leasing_only) {
    absl::MutexLock lock(&mutex_);
    leasing_ended_ = leasing_ended_ || leasing_only;
    for (const auto& [context, leasing] : calls_) {
      if (leasing || !leasing_only) context->TryCancel();
    }
  }

  const std::string token_;
  const absl::Duration call_deadline_;
  const std::unique_ptr<Stub> stub_;

 private:
  absl::Mutex mutex_;
  // Calls in flight; true: a question for work.
  std::map<grpc::ClientContext*, bool> calls_ ABSL_GUARDED_BY(mutex_);
  bool leasing_ended_ ABSL_GUARDED_BY(mutex_) = false;
};

ServerClient::ServerClient(const LinkOptions& options) : impl_(std::make_unique<Impl>(options)) {}
ServerClient::~ServerClient() = default;

absl::StatusOr<v1::OpenSessionResponse> ServerClient::OpenSession(const v1::OpenSessionRequest& request) {
  Impl::Call call(*impl_, impl_->call_deadline_, /*leasing=*/false);
  call.context().set_wait_for_ready(false);
  v1::OpenSessionResponse response;
  const grpc::Status status = impl_->stub_->OpenSession(&call.context(), request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

absl::StatusOr<v1::HeartbeatResponse> ServerClient::Heartbeat(const v1::HeartbeatRequest& request,
                                                              absl::Duration deadline) {
  return impl_->Unary(&Impl::Stub::Heartbeat, request, deadline);
}

absl::StatusOr<v1::LeaseShardResponse> ServerClient::LeaseShard(const v1::LeaseShardRequest& request,
                                                                absl::Duration wait) {
  return impl_->Unary(&Impl::Stub::LeaseShard, request, wait + impl_->call_deadline_, /*leasing=*/true);
}

absl::Status ServerClient::ReadDataset(const v1::ReadDatasetRequest& request,
                                       const std::function<absl::Status(const headscope::v1::SampleBatch&)>& take) {
  Impl::Call call(*impl_, 5 * impl_->call_deadline_, /*leasing=*/false);
  const auto reader = impl_->stub_->ReadDataset(&call.context(), request);
  v1::ReadDatasetResponse response;
  absl::Status taken;
  while (taken.ok() && reader->Read(&response)) taken = take(response.batch());
  if (!taken.ok()) call.context().TryCancel();
  const grpc::Status status = reader->Finish();
  return taken.ok() ? FromGrpc(status) : taken;
}

absl::Status ServerClient::CompleteShard(const std::vector<v1::CompleteShardRequest>& parts) {
  Impl::Call call(*impl_, 5 * impl_->call_deadline_, /*leasing=*/false);
  v1::CompleteShardResponse response;
  const auto writer = impl_->stub_->CompleteShard(&call.context(), &response);
  for (const v1::CompleteShardRequest& part : parts) {
    // The reason comes with Finish.
    if (!writer->Write(part)) break;
  }
  writer->WritesDone();
  return FromGrpc(writer->Finish());
}

absl::Status ServerClient::FailShard(const v1::FailShardRequest& request) {
  return impl_->Unary(&Impl::Stub::FailShard, request, impl_->call_deadline_).status();
}

absl::Status ServerClient::ReleaseShard(const v1::ReleaseShardRequest& request, absl::Duration deadline) {
  return impl_->Unary(&Impl::Stub::ReleaseShard, request, deadline).status();
}

absl::Status ServerClient::CloseSession(const v1::CloseSessionRequest& request, absl::Duration deadline) {
  return impl_->Unary(&Impl::Stub::CloseSession, request, deadline).status();
}

void ServerClient::EndLeasing() { impl_->Cancel(/*leasing_only=*/true); }

void ServerClient::CancelCalls() { impl_->Cancel(/*leasing_only=*/false); }

}  // namespace headscope::worker
