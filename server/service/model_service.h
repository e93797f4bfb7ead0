// headscope.v1.ModelService.
#pragma once

#include "headscope/v1/model_service.grpc.pb.h"
#include "server/service/shared.h"

namespace headscope::server {

// Thread-safe.
class ModelService : public v1::ModelService::CallbackService {
 public:
  // `shared` outlives the service.
  explicit ModelService(Shared& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* rpc, const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* rpc, const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;
  grpc::ServerWriteReactor<v1::TokenizeResponse>* Tokenize(grpc::CallbackServerContext* rpc,
                                                           const v1::TokenizeRequest* request) override;

 private:
  Shared& shared_;
};

}  // namespace headscope::server
