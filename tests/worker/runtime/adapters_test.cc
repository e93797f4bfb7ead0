// Adapters as models of the catalogue, and shards scored with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/worker/runtime/runtime_fixture.h"
#include "tests/worker/support/test_adapter.h"
#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// The golden adapter `name` beneath `root` as `as`.
void AddGoldenAdapter(const TempDirectory& root, const std::string& name, const std::string& as) {
  fs::create_directories(root.File(as));
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"}) {
    WriteModelFile(root, as, file, ReadFileOrDie(GoldenDirectory(name) + "/" + file));
  }
}

class AdaptersTest : public ::testing::Test {
 protected:
  AdaptersTest() {
    AddGoldenModel(root_, "llama", "bases/llama", true);
    AddGoldenAdapter(root_, "llama_lora", "tuned/checkpoint-9");
    AddGoldenAdapter(root_, "llama_lora", "tuned/checkpoint-10");
    catalogue_ = ModelCatalogue::Open({.root = root_.path()}).value();
  }
  ModelEntry Resolve(const std::string& name) { return catalogue_->Resolve(name, {}).value(); }
  std::string Unsupported(const std::string& name) {
    for (const ModelEntry& entry : catalogue_->Entries()) {
      if (entry.name == name) return entry.unsupported;
    }
    return "no such entry";
  }

  TempDirectory root_;
  std::unique_ptr<ModelCatalogue> catalogue_;
};

TEST_F(AdaptersTest, AreListedInTheOrderOfTheirSeries) {
  std::vector<std::string> names;
  for (const ModelEntry& entry : catalogue_->Entries()) names.push_back(entry.name);
  EXPECT_THAT(names, ElementsAre("bases/llama", "tuned/checkpoint-9", "tuned/checkpoint-10"));
}

TEST_F(AdaptersTest, AreDescribedWithTheirBase) {
  const ModelEntry base = Resolve("bases/llama"), tuned = Resolve("tuned/checkpoint-9");
  ASSERT_TRUE(tuned.adapter.has_value());
  EXPECT_EQ(tuned.adapter->base, "bases/llama");
  EXPECT_EQ(tuned.adapter->base_digest, base.digest);
  EXPECT_EQ(tuned.adapter->rank, 4u);
  EXPECT_EQ(tuned.adapter->alpha, 6.0);
  EXPECT_TRUE(tuned.adapter->rank_stabilised);
  EXPECT_THAT(tuned.adapter->targets, ElementsAre("down_proj", "gate_proj", "o_proj", "q_proj", "v_proj"));
  EXPECT_THAT(tuned.adapter->replaced, ElementsAre("lm_head.weight", "model.norm.weight"));
  EXPECT_EQ(tuned.parameters, base.parameters + tuned.adapter->parameters);
  EXPECT_EQ(tuned.family, "llama");
  EXPECT_EQ(tuned.layers, base.layers);
}

TEST_F(AdaptersTest, DigestsCoverTheAdapterAndItsBase) {
  const ModelEntry base = Resolve("bases/llama"), before = Resolve("tuned/checkpoint-9");
  EXPECT_THAT(before.digest, SizeIs(32));
  EXPECT_NE(before.digest, base.digest);
  EXPECT_EQ(before.digest, Resolve("tuned/checkpoint-10").digest) << "the same content";
  EXPECT_TRUE(catalogue_->CheckUnchanged(before).ok());
  WriteModelFile(root_, "bases/llama", "generation_config.json", "{}");
  EXPECT_EQ(catalogue_->CheckUnchanged(before).code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(catalogue_->Rescan());
  const ModelEntry of_changed_base = Resolve("tuned/checkpoint-9");
  EXPECT_NE(of_changed_base.digest, before.digest);
  TestAdapter::Random(TestModel::Golden("llama"), {"model.layers.0.self_attn.q_proj"}, 2, 3)
      .WriteTo(root_.File("tuned/checkpoint-9"));
  EXPECT_EQ(catalogue_->CheckUnchanged(of_changed_base).code(), absl::StatusCode::kAborted);
}

TEST_F(AdaptersTest, HaveTheirBasesTokenizerUnlessTheyBringOne) {
  const ModelEntry base = Resolve("bases/llama"), before = Resolve("tuned/checkpoint-9");
  EXPECT_TRUE(before.has_tokenizer);
  EXPECT_EQ(before.tokenizer_directory, base.directory);
  EXPECT_EQ(before.tokenizer_digest, base.tokenizer_digest);
  EXPECT_EQ(before.tokenizer.model, "BPE");
  WriteModelFile(root_, "tuned/checkpoint-9", "tokenizer.json", TinyTokenizerJson().dump());
  const ModelEntry after = Resolve("tuned/checkpoint-9");
  EXPECT_EQ(after.tokenizer_directory, after.directory);
  EXPECT_NE(after.tokenizer_digest, base.tokenizer_digest);
}

TEST_F(AdaptersTest, SayWhyTheyCannotBeUsedUntilTheirBaseComes) {
  fs::rename(root_.File("bases"), root_.File("away"));
  fs::rename(root_.File("away/llama"), root_.File("away/other"));
  catalogue_->Rescan();
  EXPECT_THAT(Unsupported("tuned/checkpoint-9"), HasSubstr("tuned/checkpoint-9: base_model_name_or_path"));
  EXPECT_THAT(Unsupported("tuned/checkpoint-9"), HasSubstr("somebody/llama"));
  EXPECT_EQ(catalogue_->Resolve("tuned/checkpoint-9", {}).status().code(), absl::StatusCode::kFailedPrecondition);
  fs::rename(root_.File("away/other"), root_.File("away/llama"));
  EXPECT_TRUE(catalogue_->Rescan());
  EXPECT_EQ(Resolve("tuned/checkpoint-9").adapter->base, "away/llama");
  AddGoldenModel(root_, "llama", "copy/llama");
  catalogue_->Rescan();
  EXPECT_THAT(Unsupported("tuned/checkpoint-9"), HasSubstr("away/llama or copy/llama"));
}

TEST_F(AdaptersTest, ScoreTheirGoldenSamples) {
  Runtime runtime(root_);
  const ShardInput shard = runtime.GoldenShard("tuned/checkpoint-10", "llama_lora", 64);
  const auto outcome = runtime.session.Score(shard, {});
  const auto* result = std::get_if<ScoreResult>(&outcome);
  ASSERT_NE(result, nullptr);
  const auto golden = ReadGolden("llama_lora");
  ASSERT_EQ(result->objective.size(), golden.size());
  for (std::size_t i = 0; i < golden.size(); ++i) {
    EXPECT_NEAR(result->objective[i], golden[i].objective, 1e-5 * golden[i].objective);
  }
  std::vector<std::string> names;
  for (const ResidentModel& model : runtime.models.Resident()) names.push_back(model.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("bases/llama", "tuned/checkpoint-10"));
}

}  // namespace
}  // namespace headscope::worker
