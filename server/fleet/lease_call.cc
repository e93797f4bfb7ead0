// LeaseShard: waits for work.
#include <algorithm>
#include <memory>

#include "server/fleet/calls.h"
#include "server/fleet/unary_call.h"
#include "server/fleet/worker_codec.h"

namespace headscope::server::calls {
namespace {

using worker::v1::LeaseShardRequest;
using worker::v1::LeaseShardResponse;
using Call = UnaryCall<LeaseShardRequest, LeaseShardResponse>;

constexpr absl::Duration kDefaultWait = absl::Seconds(20);
constexpr absl::Duration kMaxWait = absl::Seconds(60);

LeaseWaiter WaiterOf(const std::shared_ptr<Call>& call) {
  LeaseWaiter waiter;
  waiter.session = worker_codec::SessionOf(call->request());
  for (const int phase : call->request().phases()) {
    waiter.prepare |= phase == worker::v1::PHASE_PREPARE;
    waiter.score |= phase == worker::v1::PHASE_SCORE;
    waiter.tokenize |= phase == worker::v1::PHASE_TOKENIZE;
  }
  waiter.alive = [call] { return !call->finished(); };
  waiter.answer = [call](const worker::v1::Shard* shard) {
    return call->Answer([&](LeaseShardResponse& response) {
      if (shard != nullptr) *response.mutable_shard() = *shard;
    });
  };
  waiter.fail = [call](const absl::Status& status) { call->Abort(status); };
  return waiter;
}

absl::Duration WaitOf(const LeaseShardRequest& request) {
  if (!request.has_max_wait()) return kDefaultWait;
  return std::min(worker_codec::FromDuration(request.max_wait()), kMaxWait);
}

}  // namespace

grpc::ServerUnaryReactor* LeaseShard(FleetParts& parts, const LeaseShardRequest* request,
                                     LeaseShardResponse* response) {
  const auto call = Call::Begin(parts, "LeaseShard", request, response);
  call->OnStore([&parts, call](JobStore& store) {
    const LeaseWaiter waiter = WaiterOf(call);
    const absl::StatusOr<ConnectedWorker> worker = FindSession(parts, store, waiter.session);
    if (!worker.ok()) return call->Abort(worker.status());
    if (!waiter.prepare && !waiter.score && !waiter.tokenize) {
      return call->Abort(absl::InvalidArgumentError("phases: wanted at least one of PREPARE, SCORE, TOKENIZE"));
    }
    const absl::StatusOr<std::uint64_t> id = parts.dispatcher.Add(waiter);
    if (!id.ok()) return call->Abort(id.status());
    parts.dispatcher.Wake();
    parts.timers.After(WaitOf(call->request()), [&parts, waiter_id = *id] { parts.dispatcher.Timeout(waiter_id); });
  });
  return call.get();
}

}  // namespace headscope::server::calls
