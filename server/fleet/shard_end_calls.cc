// FailShard and ReleaseShard: a lease ends without a result.
#include <string>

#include "proto/support/log.h"
#include "server/fleet/calls.h"
#include "server/fleet/changed_model.h"
#include "server/fleet/unary_call.h"
#include "server/fleet/worker_codec.h"

namespace headscope::server::calls {
namespace {

using worker::v1::FailShardRequest;
using worker::v1::FailShardResponse;
using worker::v1::ReleaseShardRequest;
using worker::v1::ReleaseShardResponse;
using FailCall = UnaryCall<FailShardRequest, FailShardResponse>;
using ReleaseCall = UnaryCall<ReleaseShardRequest, ReleaseShardResponse>;

// The store has ended the lease, or says why not.
template <typename Call>
void FinishEnd(FleetParts& parts, JobStore& store, Call& call, const absl::StatusOr<Effect>& effect) {
  const worker::v1::LeaseRef& lease = call.request().lease();
  if (!effect.ok()) {
    if (absl::IsAborted(effect.status())) parts.leases.Remove(lease.shard(), lease.fence());
    return call.Abort(effect.status());
  }
  ForgetLease(parts, store, lease.shard(), lease.fence());
  parts.news.Apply(*effect);
  call.Answer();
}

// What a worker has on its disk is no fault of the shard.
absl::StatusOr<Effect> Fail(FleetParts& parts, JobStore& store, const LeaseKey& key, const ShardFailure& failure) {
  if (failure.failure.reason != kModelChanged) return store.Fail(key, failure);
  const absl::StatusOr<Lease> lease = store.CheckLease(key);
  if (!lease.ok()) return lease.status();
  return HandBackChanged(parts, store, key, *lease, failure.failure.message, failure.retryable);
}

template <typename Call>
void FinishTask(Call& call, const absl::Status& status) {
  if (!status.ok()) return call.Abort(status);
  call.Answer();
}

}  // namespace

grpc::ServerUnaryReactor* FailShard(FleetParts& parts, const FailShardRequest* request, FailShardResponse* response) {
  const auto call = FailCall::Begin(parts, "FailShard", request, response);
  const LeaseKey lease = worker_codec::LeaseOf(call->request());
  if (TokenizeBroker::IsTask(lease.shard)) {
    FinishTask(*call, parts.tokenizer.Complete(lease, worker_codec::TokenizeError(call->request())));
    return call.get();
  }
  call->OnStore([&parts, call, lease](JobStore& store) {
    const ShardFailure failure = worker_codec::FailureOf(call->request());
    Log(LogLevel::kWarning, "shard failed",
        {{"shard", lease.shard},
         {"reason", failure.failure.reason},
         {"retryable", failure.retryable ? "true" : "false"},
         {"message", failure.failure.message}});
    FinishEnd(parts, store, *call, Fail(parts, store, lease, failure));
  });
  return call.get();
}

grpc::ServerUnaryReactor* ReleaseShard(FleetParts& parts, const ReleaseShardRequest* request,
                                       ReleaseShardResponse* response) {
  const auto call = ReleaseCall::Begin(parts, "ReleaseShard", request, response);
  const LeaseKey lease = worker_codec::LeaseOf(call->request());
  if (TokenizeBroker::IsTask(lease.shard)) {
    FinishTask(*call, parts.tokenizer.Release(lease));
    parts.dispatcher.Wake();
    return call.get();
  }
  call->OnStore([&parts, call, lease](JobStore& store) { FinishEnd(parts, store, *call, store.Release(lease)); });
  return call.get();
}

}  // namespace headscope::server::calls
