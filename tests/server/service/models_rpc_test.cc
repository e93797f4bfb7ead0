#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ModelsRpcTest : public testing::Test {
 protected:
  grpc::Status Tokenize(const v1::TokenizeRequest& request) {
    const auto context = Context();
    const auto reader = harness_.models().Tokenize(context.get(), request);
    v1::TokenizeResponse response;
    while (reader->Read(&response)) {
    }
    return reader->Finish();
  }

  ServiceHarness harness_;
};

TEST_F(ModelsRpcTest, ListsEveryWorkersModelsByNameInPages) {
  harness_.PutCatalogue({ServiceHarness::ModelEntry("b"), ServiceHarness::ModelEntry("d")}, "v");
  harness_.PutCatalogue(
      {ServiceHarness::ModelEntry("a"), ServiceHarness::ModelEntry("b"), ServiceHarness::ModelEntry("c")}, "w");
  std::vector<std::string> names;
  v1::ListModelsRequest request;
  request.set_page_size(2);
  v1::ListModelsResponse page;
  do {
    ASSERT_TRUE(harness_.models().ListModels(Context().get(), request, &page).ok());
    for (const v1::Model& model : page.models()) names.push_back(model.name());
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty());
  EXPECT_THAT(names, ElementsAre("models/a", "models/b", "models/c", "models/d"));
}

TEST_F(ModelsRpcTest, PagesGoThroughASeriesInTheOrderOfItsNumbers) {
  std::vector<CatalogueEntry> entries;
  for (const char* name : {"run/checkpoint-10", "run/checkpoint-100", "run/checkpoint-9", "run", "run-b"}) {
    entries.push_back(ServiceHarness::ModelEntry(name));
  }
  harness_.PutCatalogue(entries);
  std::vector<std::string> names;
  v1::ListModelsRequest request;
  request.set_page_size(1);
  v1::ListModelsResponse page;
  do {
    ASSERT_TRUE(harness_.models().ListModels(Context().get(), request, &page).ok());
    for (const v1::Model& model : page.models()) names.push_back(model.name());
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty());
  EXPECT_THAT(names, ElementsAre("models/run", "models/run/checkpoint-9", "models/run/checkpoint-10",
                                 "models/run/checkpoint-100", "models/run-b"));
}

TEST_F(ModelsRpcTest, ForeignPageTokenIsRefused) {
  v1::ListModelsRequest request;
  request.set_page_token("zzz");
  v1::ListModelsResponse page;
  const grpc::Status status = harness_.models().ListModels(Context().get(), request, &page);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "BAD_PAGE_TOKEN");
}

TEST_F(ModelsRpcTest, ShowsWhatTheCatalogueSays) {
  CatalogueEntry entry = ServiceHarness::ModelEntry("m");
  entry.tokenizer_unsupported = "Unigram";
  v1::ModelDetails details;
  details.mutable_adapter()->set_base("models/base");
  entry.details = details.SerializeAsString();
  harness_.PutCatalogue({entry});
  v1::GetModelRequest request;
  request.set_name("models/m");
  v1::GetModelResponse response;
  ASSERT_TRUE(harness_.models().GetModel(Context().get(), request, &response).ok());
  EXPECT_EQ(response.model().digest(), std::string(32, 'd'));
  EXPECT_EQ(response.model().layers(), 2u);
  EXPECT_EQ(response.model().kv_heads(), 2u);
  EXPECT_EQ(response.model().tokenizer_unsupported(), "Unigram");
  EXPECT_EQ(response.model().workers_size(), 0);
  EXPECT_EQ(response.model().details().adapter().base(), "models/base");
  request.set_name("n");
  const grpc::Status status = harness_.models().GetModel(Context().get(), request, &response);
  EXPECT_EQ(ReasonOf(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(status.error_message(), HasSubstr("near names: m"));
}

TEST_F(ModelsRpcTest, TokenizeIsRefusedWhereItCannotBe) {
  CatalogueEntry plain = ServiceHarness::ModelEntry("plain");
  CatalogueEntry odd = ServiceHarness::ModelEntry("odd");
  odd.tokenizer_unsupported = "Unigram";
  CatalogueEntry good = ServiceHarness::ModelEntry("good");
  good.has_tokenizer = true;
  harness_.PutCatalogue({plain, odd, good});
  v1::TokenizeRequest request;
  request.set_text("hello");
  request.set_model("plain");
  EXPECT_EQ(ReasonOf(Tokenize(request)), "NO_TOKENIZER");
  request.set_model("odd");
  EXPECT_EQ(ReasonOf(Tokenize(request)), "TOKENIZER_UNSUPPORTED");
  request.set_model("none");
  EXPECT_EQ(ReasonOf(Tokenize(request)), "MODEL_NOT_FOUND");
  request.set_model("../x");
  EXPECT_THAT(FieldsOf(Tokenize(request)), ElementsAre("model"));
  // A worker that was here once has it; none is connected.
  request.set_model("good");
  const grpc::Status status = Tokenize(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "NO_WORKER");
  EXPECT_TRUE(DetailsOf(status).retry_after.has_value());
}

}  // namespace
}  // namespace headscope::server
