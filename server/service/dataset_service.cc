#include "server/service/dataset_service.h"

#include "server/service/convert.h"
#include "server/service/resource_names.h"
#include "server/service/unary.h"
#include "server/service/upload_stream.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr MethodName Unary(const char* method) { return {"headscope.v1.DatasetService", method, RpcType::kUnary}; }

}  // namespace

grpc::ServerReadReactor<v1::UploadDatasetRequest>* DatasetService::UploadDataset(grpc::CallbackServerContext* rpc,
                                                                                 v1::UploadDatasetResponse* response) {
  return StartStream<UploadStream>(shared_, *rpc, response);
}

grpc::ServerUnaryReactor* DatasetService::GetDataset(grpc::CallbackServerContext* rpc,
                                                     const v1::GetDatasetRequest* request,
                                                     v1::GetDatasetResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("GetDataset"), response);
  Violations violations;
  const std::string digest = ParseDatasetName(request->name(), "name", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(DatasetName(digest));
  return call.AnswerOnStore([digest](JobStore& store) -> absl::StatusOr<v1::GetDatasetResponse> {
    const absl::StatusOr<DatasetRecord> record = store.GetDataset(digest);
    if (!record.ok()) return record.status();
    v1::GetDatasetResponse answer;
    *answer.mutable_dataset() = ToProto(*record);
    return answer;
  });
}

grpc::ServerUnaryReactor* DatasetService::ListDatasets(grpc::CallbackServerContext* rpc,
                                                       const v1::ListDatasetsRequest* request,
                                                       v1::ListDatasetsResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("ListDatasets"), response);
  const PageRequest page{PageSize(request->page_size(), kDefaultPageSize), request->page_token()};
  return call.AnswerOnStore([page](JobStore& store) -> absl::StatusOr<v1::ListDatasetsResponse> {
    const absl::StatusOr<Page<DatasetRecord>> records = store.ListDatasets(page);
    if (!records.ok()) return records.status();
    v1::ListDatasetsResponse answer;
    for (const DatasetRecord& record : records->items) *answer.add_datasets() = ToProto(record);
    answer.set_next_page_token(records->next_token);
    return answer;
  });
}

grpc::ServerUnaryReactor* DatasetService::DeleteDataset(grpc::CallbackServerContext* rpc,
                                                        const v1::DeleteDatasetRequest* request,
                                                        v1::DeleteDatasetResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("DeleteDataset"), response);
  Violations violations;
  const std::string digest = ParseDatasetName(request->name(), "name", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(DatasetName(digest));
  return call.AnswerOnStore([digest](JobStore& store) -> absl::StatusOr<v1::DeleteDatasetResponse> {
    if (absl::Status deleted = store.DeleteDataset(digest); !deleted.ok()) return deleted;
    return v1::DeleteDatasetResponse();
  });
}

}  // namespace headscope::server
