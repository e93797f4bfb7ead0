// headscope.v1.AttributionService.
#pragma once

#include "headscope/v1/attribution_service.grpc.pb.h"
#include "server/service/shared.h"

namespace headscope::server {

// Thread-safe.
class AttributionService : public v1::AttributionService::CallbackService {
 public:
  // `shared` outlives the service.
  explicit AttributionService(Shared& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* SubmitJob(grpc::CallbackServerContext* rpc, const v1::SubmitJobRequest* request,
                                      v1::SubmitJobResponse* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* rpc, const v1::GetJobRequest* request,
                                   v1::GetJobResponse* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* rpc, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* rpc, const v1::CancelJobRequest* request,
                                      v1::CancelJobResponse* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* rpc, const v1::DeleteJobRequest* request,
                                      v1::DeleteJobResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(grpc::CallbackServerContext* rpc,
                                                           const v1::WatchJobRequest* request) override;
  grpc::ServerWriteReactor<v1::ReadResultResponse>* ReadResult(grpc::CallbackServerContext* rpc,
                                                               const v1::ReadResultRequest* request) override;
  grpc::ServerUnaryReactor* ListInvalidSamples(grpc::CallbackServerContext* rpc,
                                               const v1::ListInvalidSamplesRequest* request,
                                               v1::ListInvalidSamplesResponse* response) override;

 private:
  Shared& shared_;
};

}  // namespace headscope::server
