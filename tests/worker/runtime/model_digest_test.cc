#include "worker/runtime/model_digest.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/worker/runtime/runtime_fixture.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;

struct Digests {
  std::string model;
  std::string tokenizer;
};

// Hashes model "m" beneath `root` anew.
Digests DigestsOf(const TempDirectory& root, const std::string& name = "m") {
  const auto directory = ModelDirectory::Open(root.File(name), root.path());
  EXPECT_TRUE(directory.ok()) << directory.status();
  const auto stamps = StampModelFiles(*directory);
  EXPECT_TRUE(stamps.ok()) << stamps.status();
  ModelDigests digests;
  return {digests.Of(*directory, *stamps, {}).value(), digests.OfTokenizer(*directory, *stamps, {}).value()};
}

TEST(ModelDigestTest, IsTheSameForTheSameContentElsewhere) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m", true);
  AddGoldenModel(root, "llama", "other", true);
  EXPECT_EQ(DigestsOf(root).model, DigestsOf(root, "other").model);
  EXPECT_EQ(DigestsOf(root).model.size(), 32u);
}

TEST(ModelDigestTest, ChangesWithEveryFileThatIsRead) {
  for (const char* file :
       {"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt",
        "special_tokens_map.json", "added_tokens.json", "model.safetensors", "adapter_model.safetensors"}) {
    SCOPED_TRACE(file);
    const TempDirectory root;
    AddGoldenModel(root, "llama", "m", true);
    const Digests before = DigestsOf(root);
    const std::string path = root.File(std::string("m/") + file);
    WriteFileOrDie(path, (fs::exists(path) ? ReadFileOrDie(path) : std::string("{}")) + " ");
    const Digests after = DigestsOf(root);
    EXPECT_NE(before.model, after.model);
    EXPECT_EQ(before.tokenizer == after.tokenizer, std::string(file).ends_with("model.safetensors"));
  }
}

TEST(ModelDigestTest, IgnoresFilesThatAreNotRead) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  const Digests before = DigestsOf(root);
  WriteModelFile(root, "m", "README.md", "words");
  EXPECT_EQ(before.model, DigestsOf(root).model);
}

TEST(ModelDigestTest, CoversEveryShard) {
  const TempDirectory root;
  const TestModel model = TestModel::Golden("llama");
  fs::copy(model.WriteSharded(3), root.File("m"), fs::copy_options::recursive);
  const Digests before = DigestsOf(root);
  int shards = 0;
  for (const auto& file : fs::directory_iterator(root.File("m"))) {
    if (file.path().extension() != ".safetensors") continue;
    ++shards;
    const std::string bytes = ReadFileOrDie(file.path().string());
    std::string changed = bytes;
    changed.back() = static_cast<char>(changed.back() ^ 1);
    WriteFileOrDie(file.path().string(), changed);
    EXPECT_NE(before.model, DigestsOf(root).model) << file.path();
    WriteFileOrDie(file.path().string(), bytes);
  }
  EXPECT_EQ(shards, 3);
  EXPECT_EQ(before.model, DigestsOf(root).model);
}

TEST(ModelDigestTest, FollowsLinksBeneathTheRootOnly) {
  const TempDirectory root;
  const TempDirectory outside;
  AddGoldenModel(root, "llama", "m");
  AddGoldenModel(root, "llama", "linked");
  fs::create_directories(root.File("blobs"));
  fs::rename(root.File("linked/model.safetensors"), root.File("blobs/1"));
  fs::create_symlink(root.File("blobs/1"), root.File("linked/model.safetensors"));
  EXPECT_EQ(DigestsOf(root).model, DigestsOf(root, "linked").model);

  WriteFileOrDie(outside.File("tokenizer_config.json"), "{}");
  fs::create_symlink(outside.File("tokenizer_config.json"), root.File("linked/tokenizer_config.json"));
  const auto directory = ModelDirectory::Open(root.File("linked"), root.path());
  EXPECT_EQ(StampModelFiles(*directory).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(ModelDigestTest, RemembersBySizeTimeAndInode) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  const auto directory = ModelDirectory::Open(root.File("m"), root.path());
  const auto stamps = StampModelFiles(*directory);
  ModelDigests digests;
  int asked = 0;
  const CancelCheck count = [&] { return ++asked < 0; };
  const std::string first = digests.Of(*directory, *stamps, count).value();
  const int asked_first = asked;
  EXPECT_GT(asked_first, 0);
  EXPECT_EQ(digests.Of(*directory, *stamps, count).value(), first);
  EXPECT_EQ(asked, asked_first) << "nothing was read again";
}

TEST(ModelDigestTest, StopsWhenCancelled) {
  const TempDirectory root;
  AddGoldenModel(root, "llama", "m");
  const auto directory = ModelDirectory::Open(root.File("m"), root.path());
  ModelDigests digests;
  const auto digest = digests.Of(*directory, *StampModelFiles(*directory), [] { return true; });
  EXPECT_EQ(digest.status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace headscope::worker
