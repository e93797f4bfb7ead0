// Ids and texts that the reference tokenizer library gave for public vocabularies.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker {
namespace {

std::string TokenizerDirectory(const std::string& name) {
  return std::string(HEADSCOPE_SHARED_DIR) + "/tokenizers/" + name;
}

std::vector<nlohmann::json> ReadCases(const std::string& directory) {
  std::ifstream file(directory + "/cases.jsonl");
  std::vector<nlohmann::json> cases;
  for (std::string line; std::getline(file, line);) cases.push_back(nlohmann::json::parse(line));
  return cases;
}

class ReferenceTokenizerTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    directory_ = TokenizerDirectory(GetParam());
    if (!std::filesystem::exists(directory_)) GTEST_SKIP() << "no reference tokenizer at " << directory_;
  }

  std::string directory_;
};

TEST_P(ReferenceTokenizerTest, GivesTheReferenceIdsAndTextOnEveryCase) {
  const auto tokenizer = Tokenizer::Load(directory_);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto cases = ReadCases(directory_);
  ASSERT_GE(cases.size(), 20u);
  for (const auto& expected : cases) {
    const std::string text = expected["text"];
    SCOPED_TRACE(text);
    const auto ids = (*tokenizer)->Encode(text, false);
    ASSERT_TRUE(ids.ok()) << ids.status();
    EXPECT_EQ(*ids, expected["ids"].get<std::vector<std::int32_t>>());
    const auto with_special = (*tokenizer)->Encode(text, true);
    ASSERT_TRUE(with_special.ok()) << with_special.status();
    EXPECT_EQ(*with_special, expected["ids_with_special"].get<std::vector<std::int32_t>>());
    const auto decoded = (*tokenizer)->Decode(*ids);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, expected["decoded"].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceTokenizerTest,
                         ::testing::Values("gpt2", "gpt_neox", "llama", "qwen_style", "llama3_style", "gemma_style"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace headscope::worker
