#include "server/service/model_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/error.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CatalogueEntry Entry(const std::string& model, char digest, const std::string& unsupported = "") {
  CatalogueEntry entry;
  entry.model = model;
  entry.digest = digest == 0 ? "" : std::string(32, digest);
  entry.unsupported = unsupported;
  return entry;
}

TEST(ModelCatalogueTest, UnknownModelNamesTheNearest) {
  const CatalogueRows rows = {{"w", Entry("llama/tiny", 'a')},
                              {"w", Entry("gpt2", 'b')},
                              {"w", Entry("zzzzzz", 'c')},
                              {"w", Entry("llama/tini", 'd')}};
  const absl::Status status = ResolveModel(rows, "llama/tinY", "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("near names: llama/tini, llama/tiny"));
}

TEST(ModelCatalogueTest, NamesThatAreNotLikeItAreNotOffered) {
  const absl::Status status =
      ResolveModel({{"w", Entry("gpt2", 'b')}, {"v", Entry("gpt2", 'b')}}, "mistral", "").status();
  EXPECT_EQ(ReasonOf(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("none of the 1 there are"));
}

TEST(ModelCatalogueTest, BeforeTheFirstWorkerNothingIsSaidOfModels) {
  const absl::Status status = CheckAnyWorkerSeen({}, {});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "NO_WORKER");
  EXPECT_TRUE(DetailsOf(status).retry_after.has_value());
  EXPECT_TRUE(CheckAnyWorkerSeen({}, {WorkerView{}}).ok()) << "it has no models";
  EXPECT_TRUE(CheckAnyWorkerSeen({{"w", Entry("m", 'a')}}, {}).ok()) << "a remembered worker has models";
}

TEST(ModelCatalogueTest, TheOneDigestOnWhichWorkersAgreeIsTaken) {
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 'a')}, {"w", Entry("m", 'a')}}, "m", ""), std::string(32, 'a'));
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 'a')}, {"w", Entry("m", 'b')}}, "m", ""), "");
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 0)}}, "m", ""), "");
}

TEST(ModelCatalogueTest, WantedDigestMustBeKnownOrStillPossible) {
  const CatalogueRows rows = {{"v", Entry("m", 'a')}, {"w", Entry("m", 'b')}};
  EXPECT_EQ(*ResolveModel(rows, "m", std::string(32, 'b')), std::string(32, 'b'));
  EXPECT_EQ(ReasonOf(ResolveModel(rows, "m", std::string(32, 'c')).status()), "MODEL_CHANGED");
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 0)}}, "m", std::string(32, 'c')), std::string(32, 'c'));
}

TEST(ModelCatalogueTest, UnsupportedEverywhereIsRefusedSayingWhy) {
  const absl::Status status = ResolveModel({{"v", Entry("m", 'a', "mixtures of experts")}}, "m", "").status();
  EXPECT_EQ(ReasonOf(status), "MODEL_UNSUPPORTED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("mixtures of experts"));
  EXPECT_TRUE(ResolveModel({{"v", Entry("m", 'a', "no")}, {"w", Entry("m", 'a')}}, "m", "").ok());
}

TEST(ModelCatalogueTest, MergesByNameAndPrefersConnectedWorkers) {
  WorkerView worker;
  worker.worker_id = "w";
  worker.models = {"m"};
  worker.resident_models = {"m"};
  const auto models =
      MergeCatalogue({{"v", Entry("m", 'a')}, {"w", Entry("m", 'b')}, {"v", Entry("a", 'c')}}, {worker});
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].entry.model, "a");
  EXPECT_THAT(models[0].workers, ElementsAre());
  EXPECT_EQ(models[1].entry.digest, std::string(32, 'b'));
  EXPECT_THAT(models[1].workers, ElementsAre("w"));
  EXPECT_THAT(models[1].resident_workers, ElementsAre("w"));
}

TEST(ModelCatalogueTest, TokenizerIsNeededAndSupported) {
  CatalogueEntry entry = Entry("m", 'a');
  EXPECT_EQ(ReasonOf(CheckTokenizer({{"w", entry}}, "m")), "NO_TOKENIZER");
  entry.has_tokenizer = true;
  EXPECT_TRUE(CheckTokenizer({{"w", entry}}, "m").ok());
  entry.tokenizer_unsupported = "Unigram";
  EXPECT_EQ(ReasonOf(CheckTokenizer({{"w", entry}}, "m")), "TOKENIZER_UNSUPPORTED");
}

}  // namespace
}  // namespace headscope::server
