#include "server/service/attribution_service.h"

#include "server/service/convert.h"
#include "server/service/job_view.h"
#include "server/service/read_result_stream.h"
#include "server/service/resource_names.h"
#include "server/service/submission.h"
#include "server/service/unary.h"
#include "server/service/validate.h"
#include "server/service/watch_stream.h"

namespace headscope::server {
namespace {

constexpr std::uint32_t kDefaultInvalidSamples = 100;

constexpr MethodName Unary(const char* method) { return {"headscope.v1.AttributionService", method, RpcType::kUnary}; }

// The job that a call is about: its id, or the call refused.
template <typename Response>
absl::StatusOr<std::string> NamedJob(const std::string& name, const UnaryCall<Response>& call) {
  Violations violations;
  std::string id = ParseJobName(name, "name", violations);
  if (!violations.empty()) return violations.status();
  call.SetResource(JobName(id));
  return id;
}

}  // namespace

grpc::ServerUnaryReactor* AttributionService::SubmitJob(grpc::CallbackServerContext* rpc,
                                                        const v1::SubmitJobRequest* request,
                                                        v1::SubmitJobResponse* response) {
  return Submit(shared_, UnaryCall(shared_, rpc, Unary("SubmitJob"), response), *request);
}

grpc::ServerUnaryReactor* AttributionService::GetJob(grpc::CallbackServerContext* rpc, const v1::GetJobRequest* request,
                                                     v1::GetJobResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("GetJob"), response);
  const absl::StatusOr<std::string> id = NamedJob(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  return call.AnswerOnStore([this, id = *id](JobStore& store) -> absl::StatusOr<v1::GetJobResponse> {
    const absl::StatusOr<JobView> view = ReadView(store, id, shared_.context.fleet, shared_.context.clock.Now());
    if (!view.ok()) return view.status();
    v1::GetJobResponse answer;
    *answer.mutable_job() = ToProto(*view);
    return answer;
  });
}

grpc::ServerUnaryReactor* AttributionService::ListJobs(grpc::CallbackServerContext* rpc,
                                                       const v1::ListJobsRequest* request,
                                                       v1::ListJobsResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("ListJobs"), response);
  const absl::StatusOr<JobFilter> filter = ValidateFilter(*request);
  if (!filter.ok()) return call.Refuse(filter.status());
  const PageRequest page{PageSize(request->page_size(), kDefaultPageSize), request->page_token()};
  return call.AnswerOnStore([this, filter = *filter, page](JobStore& store) -> absl::StatusOr<v1::ListJobsResponse> {
    absl::StatusOr<Page<Job>> jobs = store.ListJobs(filter, page);
    if (!jobs.ok()) return jobs.status();
    v1::ListJobsResponse answer;
    for (Job& job : jobs->items) {
      *answer.add_jobs() = ToProto(ViewOf(std::move(job), shared_.context.fleet, shared_.context.clock.Now()));
    }
    answer.set_next_page_token(jobs->next_token);
    return answer;
  });
}

grpc::ServerUnaryReactor* AttributionService::CancelJob(grpc::CallbackServerContext* rpc,
                                                        const v1::CancelJobRequest* request,
                                                        v1::CancelJobResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("CancelJob"), response);
  const absl::StatusOr<std::string> id = NamedJob(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  return call.AnswerOnStore([this, id = *id](JobStore& store) -> absl::StatusOr<v1::CancelJobResponse> {
    const absl::StatusOr<Effect> effect = store.Cancel(id);
    if (!effect.ok()) return effect.status();
    shared_.context.fleet.Apply(*effect);
    const absl::StatusOr<JobView> view = ReadView(store, id, shared_.context.fleet, shared_.context.clock.Now());
    if (!view.ok()) return view.status();
    v1::CancelJobResponse answer;
    *answer.mutable_job() = ToProto(*view);
    return answer;
  });
}

grpc::ServerUnaryReactor* AttributionService::RetryJob(grpc::CallbackServerContext* rpc,
                                                       const v1::RetryJobRequest* request,
                                                       v1::RetryJobResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("RetryJob"), response);
  const absl::StatusOr<std::string> id = NamedJob(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  if (absl::Status open = shared_.CheckOpen(); !open.ok()) return call.Refuse(std::move(open));
  return call.AnswerOnStore([this, id = *id](JobStore& store) -> absl::StatusOr<v1::RetryJobResponse> {
    const absl::StatusOr<Effect> effect = store.RetryJob(id);
    if (!effect.ok()) return effect.status();
    shared_.context.fleet.Apply(*effect);
    const absl::StatusOr<JobView> view = ReadView(store, id, shared_.context.fleet, shared_.context.clock.Now());
    if (!view.ok()) return view.status();
    v1::RetryJobResponse answer;
    *answer.mutable_job() = ToProto(*view);
    return answer;
  });
}

grpc::ServerUnaryReactor* AttributionService::DeleteJob(grpc::CallbackServerContext* rpc,
                                                        const v1::DeleteJobRequest* request,
                                                        v1::DeleteJobResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("DeleteJob"), response);
  const absl::StatusOr<std::string> id = NamedJob(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  return call.AnswerOnStore([this, id = *id](JobStore& store) -> absl::StatusOr<v1::DeleteJobResponse> {
    if (absl::Status deleted = store.DeleteJob(id); !deleted.ok()) return deleted;
    shared_.context.events.Forget(id);
    return v1::DeleteJobResponse();
  });
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* AttributionService::WatchJob(grpc::CallbackServerContext* rpc,
                                                                             const v1::WatchJobRequest* request) {
  return StartStream<WatchStream>(shared_, *rpc, *request);
}

grpc::ServerWriteReactor<v1::ReadResultResponse>* AttributionService::ReadResult(grpc::CallbackServerContext* rpc,
                                                                                 const v1::ReadResultRequest* request) {
  return StartStream<ReadResultStream>(shared_, *rpc, *request);
}

grpc::ServerUnaryReactor* AttributionService::ListInvalidSamples(grpc::CallbackServerContext* rpc,
                                                                 const v1::ListInvalidSamplesRequest* request,
                                                                 v1::ListInvalidSamplesResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("ListInvalidSamples"), response);
  const absl::StatusOr<std::string> id = NamedJob(request->name(), call);
  if (!id.ok()) return call.Refuse(id.status());
  const PageRequest page{PageSize(request->page_size(), kDefaultInvalidSamples), request->page_token()};
  return call.AnswerOnStore([id = *id, page](JobStore& store) -> absl::StatusOr<v1::ListInvalidSamplesResponse> {
    const absl::StatusOr<Page<InvalidSample>> samples = store.ListInvalidSamples(id, page);
    if (!samples.ok()) return samples.status();
    const absl::StatusOr<std::map<std::string, std::uint64_t>> counts = store.CountInvalidSamples(id);
    if (!counts.ok()) return counts.status();
    v1::ListInvalidSamplesResponse answer;
    for (const InvalidSample& sample : samples->items) *answer.add_samples() = ToProto(sample);
    for (const auto& [reason, count] : *counts) answer.set_total(answer.total() + count);
    answer.set_next_page_token(samples->next_token);
    return answer;
  });
}

}  // namespace headscope::server
