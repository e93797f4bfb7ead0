// headscope.worker.v1.WorkerService on gRPC's callback interface: nothing here but the way to calls.h.
#pragma once

#include "headscope/worker/v1/worker_service.grpc.pb.h"
#include "server/fleet/calls.h"
#include "server/fleet/fleet_parts.h"

namespace headscope::server {

// Thread-safe.
class WorkerService final : public worker::v1::WorkerService::CallbackService {
 public:
  // `parts` outlives the service.
  explicit WorkerService(FleetParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* OpenSession(grpc::CallbackServerContext* context,
                                        const worker::v1::OpenSessionRequest* request,
                                        worker::v1::OpenSessionResponse* response) override {
    return calls::OpenSession(parts_, *context, request, response);
  }
  grpc::ServerUnaryReactor* CloseSession(grpc::CallbackServerContext*, const worker::v1::CloseSessionRequest* request,
                                         worker::v1::CloseSessionResponse* response) override {
    return calls::CloseSession(parts_, request, response);
  }
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext*, const worker::v1::HeartbeatRequest* request,
                                      worker::v1::HeartbeatResponse* response) override {
    return calls::Heartbeat(parts_, request, response);
  }
  grpc::ServerUnaryReactor* LeaseShard(grpc::CallbackServerContext*, const worker::v1::LeaseShardRequest* request,
                                       worker::v1::LeaseShardResponse* response) override {
    return calls::LeaseShard(parts_, request, response);
  }
  grpc::ServerWriteReactor<worker::v1::ReadDatasetResponse>* ReadDataset(
      grpc::CallbackServerContext*, const worker::v1::ReadDatasetRequest* request) override {
    return calls::ReadDataset(parts_, request);
  }
  grpc::ServerReadReactor<worker::v1::CompleteShardRequest>* CompleteShard(
      grpc::CallbackServerContext*, worker::v1::CompleteShardResponse*) override {
    return calls::CompleteShard(parts_);
  }
  grpc::ServerUnaryReactor* FailShard(grpc::CallbackServerContext*, const worker::v1::FailShardRequest* request,
                                      worker::v1::FailShardResponse* response) override {
    return calls::FailShard(parts_, request, response);
  }
  grpc::ServerUnaryReactor* ReleaseShard(grpc::CallbackServerContext*, const worker::v1::ReleaseShardRequest* request,
                                         worker::v1::ReleaseShardResponse* response) override {
    return calls::ReleaseShard(parts_, request, response);
  }

 private:
  FleetParts& parts_;
};

}  // namespace headscope::server
