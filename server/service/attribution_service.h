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
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* rpc, const v1::RetryJobRequest* request,
                                     v1::RetryJobResponse* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* rpc, const v1::DeleteJobRequest* request,
                                      v1::DeleteJobResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(grpc::CallbackServerContext* rpc,
                                                           const v1::WatchJobRequest* request) override;
  grpc::ServerWriteReactor<v1::ReadResultResponse>* ReadResult(grpc::CallbackServerContext* rpc,
                                                               const v1::ReadResultRequest* request) override;
  grpc::ServerUnaryReactor* ListInvalidSamples(grpc::CallbackServerContext* rpc,
                                               const v1::ListInvalidSamplesRequest* request,
                                               v1::ListInvalidSamplesResponse* response) override;

  // Sweeps: attribution_sweeps.cc.
  grpc::ServerUnaryReactor* SubmitSweep(grpc::CallbackServerContext* rpc, const v1::SubmitSweepRequest* request,
                                        v1::SubmitSweepResponse* response) override;
  grpc::ServerUnaryReactor* GetSweep(grpc::CallbackServerContext* rpc, const v1::GetSweepRequest* request,
                                     v1::GetSweepResponse* response) override;
  grpc::ServerUnaryReactor* ListSweeps(grpc::CallbackServerContext* rpc, const v1::ListSweepsRequest* request,
                                       v1::ListSweepsResponse* response) override;
  grpc::ServerUnaryReactor* CancelSweep(grpc::CallbackServerContext* rpc, const v1::CancelSweepRequest* request,
                                        v1::CancelSweepResponse* response) override;
  grpc::ServerUnaryReactor* RetrySweep(grpc::CallbackServerContext* rpc, const v1::RetrySweepRequest* request,
                                       v1::RetrySweepResponse* response) override;
  grpc::ServerUnaryReactor* DeleteSweep(grpc::CallbackServerContext* rpc, const v1::DeleteSweepRequest* request,
                                        v1::DeleteSweepResponse* response) override;

 private:
  Shared& shared_;
};

}  // namespace headscope::server
