// The calls of headscope.v1.AttributionService that are about sweeps.
#include <algorithm>

#include "server/service/attribution_service.h"
#include "server/service/resource_names.h"
#include "server/service/sweep_convert.h"
#include "server/service/sweep_submission.h"
#include "server/service/unary.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

// Counting the cells of a page's sweeps takes time of the store.
constexpr std::uint32_t kMaxSweepsOfAPage = 100;

constexpr MethodName Unary(const char* method) { return {"headscope.v1.AttributionService", method, RpcType::kUnary}; }

// The sweep that a call is about: its id, or the call refused.
template <typename Response>
absl::StatusOr<std::string> NamedSweep(const std::string& name, const UnaryCall<Response>& call) {
  Violations violations;
  std::string id = ParseSweepName(name, "name", violations);
  if (!violations.empty()) return violations.status();
  call.SetResource(SweepName(id));
  return id;
}

template <typename Response>
absl::StatusOr<Response> AnswerWith(const Shared& shared, JobStore& store, const std::string& id) {
  const absl::StatusOr<Sweep> sweep = store.GetSweep(id);
  if (!sweep.ok()) return sweep.status();
  Response answer;
  *answer.mutable_sweep() = ToProto(*sweep, shared.context.fleet, shared.context.clock.Now());
  return answer;
}

}  // namespace

grpc::ServerUnaryReactor* AttributionService::SubmitSweep(grpc::CallbackServerContext* rpc,
                                                          const v1::SubmitSweepRequest* request,
                                                          v1::SubmitSweepResponse* response) {
  return server::SubmitSweep(shared_, UnaryCall(shared_, rpc, Unary("SubmitSweep"), response), *request);
}

grpc::ServerUnaryReactor* AttributionService::GetSweep(grpc::CallbackServerContext* rpc,
                                                       const v1::GetSweepRequest* request,
                                                       v1::GetSweepResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("GetSweep"), response);
  const absl::StatusOr<std::string> id = NamedSweep(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  return call.AnswerOnStore(
      [this, id = *id](JobStore& store) { return AnswerWith<v1::GetSweepResponse>(shared_, store, id); });
}

grpc::ServerUnaryReactor* AttributionService::ListSweeps(grpc::CallbackServerContext* rpc,
                                                         const v1::ListSweepsRequest* request,
                                                         v1::ListSweepsResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("ListSweeps"), response);
  Violations violations;
  ValidateLabels(request->labels(), "labels", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  const SweepFilter filter{{request->labels().begin(), request->labels().end()}};
  const std::uint32_t size = std::min(PageSize(request->page_size(), kDefaultPageSize), kMaxSweepsOfAPage);
  const PageRequest page{size, request->page_token()};
  return call.AnswerOnStore([this, filter, page](JobStore& store) -> absl::StatusOr<v1::ListSweepsResponse> {
    const absl::StatusOr<Page<Sweep>> sweeps = store.ListSweeps(filter, page);
    if (!sweeps.ok()) return sweeps.status();
    v1::ListSweepsResponse answer;
    for (const Sweep& sweep : sweeps->items) {
      *answer.add_sweeps() = ToProto(sweep, shared_.context.fleet, shared_.context.clock.Now());
    }
    answer.set_next_page_token(sweeps->next_token);
    return answer;
  });
}

grpc::ServerUnaryReactor* AttributionService::CancelSweep(grpc::CallbackServerContext* rpc,
                                                          const v1::CancelSweepRequest* request,
                                                          v1::CancelSweepResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("CancelSweep"), response);
  const absl::StatusOr<std::string> id = NamedSweep(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  return call.AnswerOnStore([this, id = *id](JobStore& store) -> absl::StatusOr<v1::CancelSweepResponse> {
    const absl::StatusOr<Effect> effect = store.CancelSweep(id);
    if (!effect.ok()) return effect.status();
    shared_.context.fleet.Apply(*effect);
    return AnswerWith<v1::CancelSweepResponse>(shared_, store, id);
  });
}

grpc::ServerUnaryReactor* AttributionService::RetrySweep(grpc::CallbackServerContext* rpc,
                                                         const v1::RetrySweepRequest* request,
                                                         v1::RetrySweepResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("RetrySweep"), response);
  const absl::StatusOr<std::string> id = NamedSweep(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  return server::RetrySweep(shared_, call, *id);
}

grpc::ServerUnaryReactor* AttributionService::DeleteSweep(grpc::CallbackServerContext* rpc,
                                                          const v1::DeleteSweepRequest* request,
                                                          v1::DeleteSweepResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("DeleteSweep"), response);
  const absl::StatusOr<std::string> id = NamedSweep(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  const bool keep_jobs = request->keep_jobs();
  return call.AnswerOnStore([this, id = *id, keep_jobs](JobStore& store) -> absl::StatusOr<v1::DeleteSweepResponse> {
    const absl::StatusOr<std::vector<std::string>> deleted = store.DeleteSweep(id, keep_jobs);
    if (!deleted.ok()) return deleted.status();
    for (const std::string& job : *deleted) shared_.context.events.Forget(job);
    return v1::DeleteSweepResponse();
  });
}

}  // namespace headscope::server
