// Models and their tokenizers, faked.
#include "absl/time/clock.h"
#include "headscope/v1/model_service.grpc.pb.h"
#include "tests/client/fake_services.h"

namespace headscope::tests {
namespace {

class FakeModelService final : public v1::ModelService::Service {
 public:
  explicit FakeModelService(FakeState& state) : state_(state) {}

  grpc::Status ListModels(grpc::ServerContext*, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override {
    response->set_next_page_token(
        Page(state_.models, request->page_token(), [&](const v1::Model& model) { *response->add_models() = model; }));
    return grpc::Status::OK;
  }

  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest* request,
                        v1::GetModelResponse* response) override {
    if (state_.before_first_worker > 0) {
      --state_.before_first_worker;
      return ToGrpc(MakeError(absl::StatusCode::kUnavailable, "no worker has connected yet", "NO_WORKER"));
    }
    for (const v1::Model& model : state_.models) {
      if (model.name() != request->name()) continue;
      *response->mutable_model() = model;
      return grpc::Status::OK;
    }
    return NotFound(request->name(), "MODEL_NOT_FOUND");
  }

  // Every byte is a token; two messages.
  grpc::Status Tokenize(grpc::ServerContext* context, const v1::TokenizeRequest* request,
                        grpc::ServerWriter<v1::TokenizeResponse>* writer) override {
    while (state_.tokenize_hangs) {
      if (context->IsCancelled()) return grpc::Status::CANCELLED;
      absl::SleepFor(absl::Milliseconds(1));
    }
    v1::TokenizeResponse first;
    first.set_prompt_tokens(static_cast<std::uint32_t>(request->text().size()));
    Fill(request->text(), first);
    v1::TokenizeResponse second;
    Fill(request->response(), second);
    writer->Write(first);
    writer->Write(second);
    return grpc::Status::OK;
  }

 private:
  static void Fill(const std::string& text, v1::TokenizeResponse& response) {
    for (const char byte : text) {
      response.add_ids(static_cast<unsigned char>(byte));
      response.add_tokens(std::string(1, byte));
    }
    response.set_text(text);
  }

  FakeState& state_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeModelService(FakeState& state) {
  return std::make_unique<FakeModelService>(state);
}

}  // namespace headscope::tests
