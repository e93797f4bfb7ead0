#include "server/service/model_service.h"

#include "proto/support/model_order.h"
#include "server/service/convert.h"
#include "server/service/model_catalogue.h"
#include "server/service/page_token.h"
#include "server/service/resource_names.h"
#include "server/service/tokenize_stream.h"
#include "server/service/unary.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr MethodName Unary(const char* method) { return {"headscope.v1.ModelService", method, RpcType::kUnary}; }

// The page of `models` (in the order of ListedBefore) that follows `last`.
v1::ListModelsResponse PageOf(const std::vector<ModelView>& models, const std::string& last, std::uint32_t size) {
  v1::ListModelsResponse page;
  std::string shown;
  for (const ModelView& model : models) {
    if (!last.empty() && !ListedBefore(last, model.entry.model)) continue;
    if (page.models_size() == static_cast<int>(size)) {
      page.set_next_page_token(PageTokenAfter(shown));
      break;
    }
    *page.add_models() = ToProto(model);
    shown = model.entry.model;
  }
  return page;
}

}  // namespace

grpc::ServerUnaryReactor* ModelService::ListModels(grpc::CallbackServerContext* rpc,
                                                   const v1::ListModelsRequest* request,
                                                   v1::ListModelsResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("ListModels"), response);
  const absl::StatusOr<std::string> last = LastOfPageToken(request->page_token());
  if (!last.ok()) return call.Refuse(last.status());
  const std::uint32_t size = PageSize(request->page_size(), kDefaultPageSize);
  return call.AnswerOnStore([this, last = *last, size](JobStore& store) -> absl::StatusOr<v1::ListModelsResponse> {
    const absl::StatusOr<CatalogueRows> rows = store.Catalogue();
    if (!rows.ok()) return rows.status();
    return PageOf(MergeCatalogue(*rows, shared_.context.fleet.Workers()), last, size);
  });
}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* rpc, const v1::GetModelRequest* request,
                                                 v1::GetModelResponse* response) {
  const UnaryCall call(shared_, rpc, Unary("GetModel"), response);
  Violations violations;
  const std::string model = ParseModelName(request->name(), "name", violations);
  if (!violations.empty()) return call.Refuse(violations.status());
  call.SetResource(ModelName(model));
  return call.AnswerOnStore([this, model](JobStore& store) -> absl::StatusOr<v1::GetModelResponse> {
    const absl::StatusOr<CatalogueRows> rows = store.Catalogue();
    if (!rows.ok()) return rows.status();
    const std::vector<WorkerView> connected = shared_.context.fleet.Workers();
    if (absl::Status status = CheckAnyWorkerSeen(*rows, connected); !status.ok()) return status;
    const absl::StatusOr<ModelView> view = FindModel(*rows, connected, model);
    if (!view.ok()) return view.status();
    v1::GetModelResponse answer;
    *answer.mutable_model() = ToProto(*view);
    return answer;
  });
}

grpc::ServerWriteReactor<v1::TokenizeResponse>* ModelService::Tokenize(grpc::CallbackServerContext* rpc,
                                                                       const v1::TokenizeRequest* request) {
  return StartStream<TokenizeStream>(shared_, *rpc, *request);
}

}  // namespace headscope::server
