// The calls of the worker service: each starts its work and returns the reactor that ends it.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "headscope/worker/v1/worker_service.grpc.pb.h"
#include "server/fleet/fleet_parts.h"

namespace headscope::server::calls {

grpc::ServerUnaryReactor* OpenSession(FleetParts& parts, const grpc::CallbackServerContext& context,
                                      const worker::v1::OpenSessionRequest* request,
                                      worker::v1::OpenSessionResponse* response);
grpc::ServerUnaryReactor* CloseSession(FleetParts& parts, const worker::v1::CloseSessionRequest* request,
                                       worker::v1::CloseSessionResponse* response);
grpc::ServerUnaryReactor* Heartbeat(FleetParts& parts, const worker::v1::HeartbeatRequest* request,
                                    worker::v1::HeartbeatResponse* response);
grpc::ServerUnaryReactor* LeaseShard(FleetParts& parts, const worker::v1::LeaseShardRequest* request,
                                     worker::v1::LeaseShardResponse* response);
grpc::ServerWriteReactor<worker::v1::ReadDatasetResponse>* ReadDataset(FleetParts& parts,
                                                                       const worker::v1::ReadDatasetRequest* request);
grpc::ServerReadReactor<worker::v1::CompleteShardRequest>* CompleteShard(FleetParts& parts);
grpc::ServerUnaryReactor* FailShard(FleetParts& parts, const worker::v1::FailShardRequest* request,
                                    worker::v1::FailShardResponse* response);
grpc::ServerUnaryReactor* ReleaseShard(FleetParts& parts, const worker::v1::ReleaseShardRequest* request,
                                       worker::v1::ReleaseShardResponse* response);

}  // namespace headscope::server::calls
