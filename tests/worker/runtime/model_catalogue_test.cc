#include "worker/runtime/model_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "absl/synchronization/notification.h"
#include "tests/worker/runtime/runtime_fixture.h"
#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::unique_ptr<ModelCatalogue> Open(const TempDirectory& root) {
  return ModelCatalogue::Open({.root = root.path()}).value();
}

std::optional<ModelEntry> Find(const ModelCatalogue& catalogue, const std::string& name) {
  for (const ModelEntry& entry : catalogue.Entries()) {
    if (entry.name == name) return entry;
  }
  return std::nullopt;
}

TEST(ModelCatalogueTest, DescribesModelsAtOnceAndHashesThemLater) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "family/llama", true);
  const auto catalogue = Open(root);
  const ModelEntry entry = Find(*catalogue, "family/llama").value();
  EXPECT_EQ(entry.family, "llama");
  EXPECT_EQ(entry.layers, 3u);
  EXPECT_EQ(entry.heads, 4u);
  EXPECT_EQ(entry.kv_heads, 2u);
  EXPECT_EQ(entry.head_dim, 16u);
  EXPECT_EQ(entry.vocabulary, 97u);
  EXPECT_EQ(entry.positions, 128u);
  EXPECT_GT(entry.parameters, 0u);
  EXPECT_EQ(entry.stored_dtype, "F32");
  EXPECT_EQ(entry.weight_bytes, entry.parameters * 4);
  EXPECT_TRUE(entry.has_tokenizer);
  EXPECT_EQ(entry.unsupported, "");
  EXPECT_EQ(entry.digest, "");

  const std::uint64_t version = catalogue->version();
  EXPECT_TRUE(catalogue->CompleteNext());
  EXPECT_FALSE(catalogue->CompleteNext());
  EXPECT_GT(catalogue->version(), version);
  EXPECT_THAT(Find(*catalogue, "family/llama")->digest, SizeIs(32));
  EXPECT_THAT(Find(*catalogue, "family/llama")->tokenizer_digest, SizeIs(32));
}

TEST(ModelCatalogueTest, NamesWhatIsUnsupported) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "strange");
  auto config = nlohmann::json::parse(ReadFileOrDie(root.File("strange/config.json")));
  config["model_type"] = "clairvoyant";
  WriteModelFile(root, "strange", "config.json", config.dump());
  AddGoldenModel(root, "llama", "truncated");
  fs::resize_file(root.File("truncated/model.safetensors"), 1000);
  AddGoldenModel(root, "llama", "bare");
  fs::remove(root.File("bare/model.safetensors"));
  const auto catalogue = Open(root);
  EXPECT_THAT(Find(*catalogue, "strange")->unsupported, HasSubstr("clairvoyant"));
  EXPECT_NE(Find(*catalogue, "truncated")->unsupported, "");
  EXPECT_THAT(Find(*catalogue, "bare")->unsupported, HasSubstr("model.safetensors"));
  const auto resolved = catalogue->Resolve("strange", {});
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(resolved.status().message()), HasSubstr("clairvoyant"));
}

TEST(ModelCatalogueTest, NamesATokenizerThatIsUnsupportedAndKeepsTheModel) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  nlohmann::json tokenizer = TinyTokenizerJson();
  tokenizer["model"]["type"] = "Unigram";
  WriteModelFile(root, "m", "tokenizer.json", tokenizer.dump());
  const auto catalogue = Open(root);
  while (catalogue->CompleteNext()) {
  }
  const ModelEntry entry = Find(*catalogue, "m").value();
  EXPECT_TRUE(entry.has_tokenizer);
  EXPECT_THAT(entry.tokenizer_unsupported, HasSubstr("Unigram"));
  EXPECT_EQ(entry.unsupported, "");
}

TEST(ModelCatalogueTest, RefusesFilesThatLeadOutOfTheRoot) {
  const TempDirectory root;
  const TempDirectory outside;
  AddGoldenModel(root, "llama", "m");
  fs::rename(root.File("m/model.safetensors"), outside.File("weights"));
  fs::create_symlink(outside.File("weights"), root.File("m/model.safetensors"));
  const auto catalogue = Open(root);
  EXPECT_NE(Find(*catalogue, "m")->unsupported, "");
}

TEST(ModelCatalogueTest, NoticesNewChangedAndRemovedModels) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "first");
  const auto catalogue = Open(root);
  EXPECT_FALSE(catalogue->Rescan());

  AddGoldenModel(root, "gpt2", "second");
  EXPECT_TRUE(catalogue->Rescan());
  EXPECT_THAT(catalogue->Entries(), SizeIs(2));

  const std::string before = catalogue->Resolve("first", {})->digest;
  WriteModelFile(root, "first", "generation_config.json", R"({"eos_token_id": 5})");
  EXPECT_TRUE(catalogue->Rescan());
  EXPECT_EQ(Find(*catalogue, "first")->digest, "") << "to be hashed again";
  EXPECT_NE(catalogue->Resolve("first", {})->digest, before);

  fs::remove_all(root.File("second"));
  EXPECT_TRUE(catalogue->Rescan());
  EXPECT_EQ(Find(*catalogue, "second"), std::nullopt);
  EXPECT_EQ(catalogue->Resolve("second", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST(ModelCatalogueTest, ResolveSeesChangesBeforeTheNextScan) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  const auto catalogue = Open(root);
  const ModelEntry before = catalogue->Resolve("m", {}).value();
  EXPECT_TRUE(catalogue->CheckUnchanged(before).ok());
  WriteModelFile(root, "m", "tokenizer_config.json", "{}");
  EXPECT_EQ(catalogue->CheckUnchanged(before).code(), absl::StatusCode::kAborted);
  const ModelEntry after = catalogue->Resolve("m", {}).value();
  EXPECT_NE(before.digest, after.digest);
  EXPECT_TRUE(catalogue->CheckUnchanged(after).ok());
}

TEST(ModelCatalogueTest, AnAdapterThatAppearsOrGoesIsNoticed) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  const auto catalogue = Open(root);
  const ModelEntry before = catalogue->Resolve("m", {}).value();
  WriteModelFile(root, "m", "adapter_config.json", "{}");
  EXPECT_EQ(catalogue->CheckUnchanged(before).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(catalogue->Resolve("m", {}).status().code(), absl::StatusCode::kFailedPrecondition);
  catalogue->Rescan();
  EXPECT_THAT(Find(*catalogue, "m")->unsupported,
              HasSubstr("m: adapter_config.json and model.safetensors stand side by side"));

  fs::remove(root.File("m/adapter_config.json"));
  EXPECT_TRUE(catalogue->Rescan());
  EXPECT_EQ(Find(*catalogue, "m")->unsupported, "");
  EXPECT_EQ(catalogue->Resolve("m", {})->digest, before.digest);
}

TEST(ModelCatalogueTest, AModelThatCannotBeReadAtTheMomentIsTriedAgain) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m", true);
  const auto catalogue = Open(root);
  {
    const NoOpenFiles none;
    const absl::Status status = catalogue->Resolve("m", {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  }
  EXPECT_THAT(Find(*catalogue, "m")->unsupported, HasSubstr("Too many open files"));
  EXPECT_TRUE(catalogue->Rescan());
  EXPECT_TRUE(catalogue->CompleteNext());
  EXPECT_EQ(Find(*catalogue, "m")->unsupported, "");
  EXPECT_TRUE(catalogue->Resolve("m", {}).ok());
}

TEST(ModelCatalogueTest, AModelThatCannotBeHashedSaysWhyAndIsTriedAgain) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m", true);
  const auto catalogue = Open(root);
  const auto fail = [&] {
    const NoOpenFiles none;
    EXPECT_TRUE(catalogue->CompleteNext());
  };
  fail();
  const ModelEntry refused = Find(*catalogue, "m").value();
  EXPECT_THAT(refused.unsupported, HasSubstr("Too many open files"));
  const std::uint64_t version = catalogue->version();
  EXPECT_FALSE(catalogue->Rescan()) << "the reason stands until it is known to be gone";
  fail();
  EXPECT_EQ(Find(*catalogue, "m"), refused);
  EXPECT_EQ(catalogue->version(), version);

  catalogue->Rescan();
  EXPECT_TRUE(catalogue->CompleteNext());
  EXPECT_EQ(Find(*catalogue, "m")->unsupported, "");
  EXPECT_EQ(Find(*catalogue, "m")->tokenizer_unsupported, "");
  EXPECT_THAT(Find(*catalogue, "m")->digest, SizeIs(32));
  EXPECT_FALSE(catalogue->CompleteNext());
}

TEST(ModelCatalogueTest, ReasonsNameTheModelAndTheFileAndNotWhereTheRootIs) {
  const TempDirectory root;
  for (const char* name : {"family/bare", "family/truncated", "family/pickled", "family/linked", "family/adapted"}) {
    AddGoldenModel(root, "llama", name);
  }
  fs::remove(root.File("family/bare/model.safetensors"));
  fs::remove(root.File("family/pickled/model.safetensors"));
  WriteModelFile(root, "family/pickled", "pytorch_model.bin", "x");
  WriteModelFile(root, "family/adapted", "adapter_config.json", "{}");
  fs::resize_file(root.File("family/truncated/model.safetensors"), 1000);
  fs::remove(root.File("family/linked/config.json"));
  fs::create_symlink("/etc/hostname", root.File("family/linked/config.json"));
  const auto catalogue = Open(root);
  const auto entries = catalogue->Entries();
  ASSERT_THAT(entries, SizeIs(5));
  for (const ModelEntry& entry : entries) {
    EXPECT_THAT(entry.unsupported, HasSubstr(entry.name));
    EXPECT_THAT(entry.unsupported, testing::Not(HasSubstr(catalogue->root())));
  }
}

TEST(ModelCatalogueTest, ItsThreadHashesAndTells) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  const auto catalogue = Open(root);
  absl::Notification told;
  catalogue->Start([&] {
    if (!told.HasBeenNotified()) told.Notify();
  });
  ASSERT_TRUE(told.WaitForNotificationWithTimeout(absl::Seconds(60)));
  catalogue->Stop();
  EXPECT_THAT(Find(*catalogue, "m")->digest, SizeIs(32));
}

TEST(ModelCatalogueTest, RefusesARootThatIsNotThere) {
  const auto catalogue = ModelCatalogue::Open({.root = "/no/such/root"});
  EXPECT_EQ(catalogue.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(catalogue.status().message()), HasSubstr("/no/such/root"));
}

}  // namespace
}  // namespace headscope::worker
