#include "worker/runtime/model_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// An empty config.json beneath `root`.
void AddConfig(const TempDirectory& root, const std::string& name) {
  fs::create_directories(root.File(name));
  WriteFileOrDie(root.File(name + "/config.json"), "{}");
}

ScanResult Scan(const TempDirectory& root, const ScanLimits& limits = {}) {
  return FindModels(fs::canonical(root.path()).string(), limits);
}

TEST(FindModelsTest, FindsDirectoriesWithAConfigAtAnyDepth) {
  const TempDirectory root;
  AddConfig(root, "b");
  AddConfig(root, "b/checkpoint-100");
  AddConfig(root, "a/nested/deep");
  fs::create_directories(root.File("empty"));
  EXPECT_THAT(Scan(root).models, ElementsAre("a/nested/deep", "b", "b/checkpoint-100"));
}

TEST(FindModelsTest, ListsTheCheckpointsOfASeriesInTheOrderOfTheirNumbers) {
  const TempDirectory root;
  for (const char* step : {"1000", "200", "90"}) AddConfig(root, std::string("run/checkpoint-") + step);
  fs::create_directories(root.File("tuned/checkpoint-20"));
  WriteFileOrDie(root.File("tuned/checkpoint-20/adapter_config.json"), "{}");
  fs::create_directories(root.File("tuned/checkpoint-3"));
  WriteFileOrDie(root.File("tuned/checkpoint-3/adapter_config.json"), "{}");
  EXPECT_THAT(Scan(root).models, ElementsAre("run/checkpoint-90", "run/checkpoint-200", "run/checkpoint-1000",
                                             "tuned/checkpoint-3", "tuned/checkpoint-20"));
}

TEST(FindModelsTest, LeavesHiddenDirectoriesOut) {
  const TempDirectory root;
  AddConfig(root, ".cache/model");
  EXPECT_THAT(Scan(root).models, IsEmpty());
}

TEST(FindModelsTest, FollowsLinksThatStayBeneathTheRoot) {
  const TempDirectory root;
  AddConfig(root, "real");
  fs::create_directory_symlink(root.File("real"), root.File("alias"));
  EXPECT_THAT(Scan(root).models, ElementsAre("alias", "real"));
}

TEST(FindModelsTest, IgnoresLinksThatLeadOutAndSaysSo) {
  const TempDirectory root;
  const TempDirectory outside;
  AddConfig(outside, "secret");
  fs::create_directory_symlink(outside.File("secret"), root.File("escape"));
  const ScanResult result = Scan(root);
  EXPECT_THAT(result.models, IsEmpty());
  EXPECT_THAT(result.notes, Contains(HasSubstr("\"escape\" leads out of the model root")));
}

TEST(FindModelsTest, SurvivesLinksThatGoInCircles) {
  const TempDirectory root;
  AddConfig(root, "model");
  fs::create_directory_symlink(root.path(), root.File("model/up"));
  fs::create_directory_symlink(root.File("model"), root.File("model/self"));
  EXPECT_THAT(Scan(root).models, ElementsAre("model"));
}

TEST(FindModelsTest, IsBoundedInDepthAndNumber) {
  const TempDirectory root;
  AddConfig(root, "1/2/3/4");
  AddConfig(root, "a");
  AddConfig(root, "b");
  EXPECT_THAT(Scan(root, {.max_depth = 3}).models, ElementsAre("a", "b"));
  const ScanResult few = Scan(root, {.max_models = 1});
  EXPECT_THAT(few.models, SizeIs(1));
  EXPECT_THAT(few.notes, Contains(HasSubstr("more than 1 models")));
}

TEST(FindModelsTest, IgnoresNamesThatCannotBeSaid) {
  const TempDirectory root;
  AddConfig(root, "bad\nname");
  AddConfig(root, "bad\xffname");
  AddConfig(root, "good");
  EXPECT_THAT(Scan(root).models, ElementsAre("good"));
}

TEST(FindModelsTest, SaysWhenTheRootIsItselfAModel) {
  const TempDirectory root;
  WriteFileOrDie(root.File("config.json"), "{}");
  const ScanResult result = Scan(root);
  EXPECT_THAT(result.models, IsEmpty());
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("the model root itself")));
}

}  // namespace
}  // namespace headscope::worker
