#include "client/cli/model_glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// As a server lists them.
std::vector<client::Model> Models() {
  std::vector<client::Model> models;
  for (const char* name : {"base", "odd", "run/checkpoint-2", "run/checkpoint-10", "run/[x]"}) {
    models.emplace_back().name = name;
  }
  models[1].unsupported = "ALiBi";
  return models;
}

TEST(ModelGlobTest, KeepsTheOrderOfThePatternsAndOfTheList) {
  EXPECT_THAT(ChooseModels(Models(), {"run/checkpoint-*", "base"})->names,
              ElementsAre("run/checkpoint-2", "run/checkpoint-10", "base"));
}

TEST(ModelGlobTest, TakesEveryModelOnce) {
  const auto chosen = ChooseModels(Models(), {"models/base", "*"});
  EXPECT_THAT(chosen->names, ElementsAre("base", "run/checkpoint-2", "run/checkpoint-10", "run/[x]"));
  ASSERT_THAT(chosen->left_out, SizeIs(1));
  EXPECT_EQ(chosen->left_out[0].name, "odd");
}

TEST(ModelGlobTest, ANameIsNoPattern) {
  EXPECT_THAT(ChooseModels(Models(), {"run/[x]"})->names, ElementsAre("run/[x]"));
}

TEST(ModelGlobTest, RefusesWhatMatchesNothingAndWhatIsNotSupported) {
  const absl::Status unknown = ChooseModels(Models(), {"base", "bsae"}).status();
  EXPECT_TRUE(absl::IsNotFound(unknown));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("did you mean \"base\"?"));
  const absl::Status unsupported = ChooseModels(Models(), {"odd"}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(unsupported));
  EXPECT_THAT(std::string(unsupported.message()), HasSubstr("ALiBi"));
}

}  // namespace
}  // namespace headscope::cli
