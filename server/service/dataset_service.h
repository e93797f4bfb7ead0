// headscope.v1.DatasetService.
#pragma once

#include "headscope/v1/dataset_service.grpc.pb.h"
#include "server/service/shared.h"

namespace headscope::server {

// Thread-safe.
class DatasetService : public v1::DatasetService::CallbackService {
 public:
  // `shared` outlives the service.
  explicit DatasetService(Shared& shared) : shared_(shared) {}

  grpc::ServerReadReactor<v1::UploadDatasetRequest>* UploadDataset(grpc::CallbackServerContext* rpc,
                                                                   v1::UploadDatasetResponse* response) override;
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* rpc, const v1::GetDatasetRequest* request,
                                       v1::GetDatasetResponse* response) override;
  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* rpc, const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteDataset(grpc::CallbackServerContext* rpc, const v1::DeleteDatasetRequest* request,
                                          v1::DeleteDatasetResponse* response) override;

 private:
  Shared& shared_;
};

}  // namespace headscope::server
