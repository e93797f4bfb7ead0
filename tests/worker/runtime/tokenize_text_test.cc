#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/runtime/runtime_fixture.h"
#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;

class TokenizeTextTest : public testing::Test {
 protected:
  TokenizeTextTest() {
    AddGoldenModel(root_, "llama", "text", true);
    AddGoldenModel(root_, "llama", "ids");
    runtime_ = std::make_unique<Runtime>(root_);
  }

  TempDirectory root_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(TokenizeTextTest, GivesIdsTokensAndTheTextAgain) {
  const auto outcome = runtime_->session.Tokenize({.model = "text", .text = "hello A"}, {});
  const auto& result = std::get<TokenizeResult>(outcome);
  EXPECT_THAT(result.ids, ElementsAre(259, ' ', 'A'));
  EXPECT_THAT(result.tokens, ElementsAre("hello", "\u0120", "A"));
  EXPECT_EQ(result.text, "hello A");
  EXPECT_EQ(result.prompt_tokens, 3u) << "without a response everything is prompt";
}

TEST_F(TokenizeTextTest, CountsThePromptBeforeAResponse) {
  const auto outcome = runtime_->session.Tokenize({.model = "text", .text = "AB", .response = "C"}, {});
  const auto& result = std::get<TokenizeResult>(outcome);
  EXPECT_THAT(result.ids, ElementsAre('A', 'B', 'C'));
  EXPECT_EQ(result.prompt_tokens, 2u);
}

TEST_F(TokenizeTextTest, ReadsAPromptAsASampleDoes) {
  nlohmann::json tokenizer = TinyTokenizerJson();
  tokenizer["added_tokens"] = {AddedTokenJson(kTinySize, "<s>", {"special"})};
  tokenizer["post_processor"] = {{"type", "RobertaProcessing"}, {"cls", {"<s>", kTinySize}}, {"sep", {"C", 'C'}}};
  WriteModelFile(root_, "text", "tokenizer.json", tokenizer.dump());
  Runtime runtime(root_);
  const auto ids = [&](const TokenizeInput& input) {
    return std::get<TokenizeResult>(runtime.session.Tokenize(input, {})).ids;
  };
  // Without a response it is what the tokenizer gives; a prompt gets no second begin.
  EXPECT_THAT(ids({.model = "text", .text = "<s>A"}), ElementsAre(kTinySize, kTinySize, 'A', 'C'));
  EXPECT_THAT(ids({.model = "text", .text = "<s>A", .response = "B"}), ElementsAre(kTinySize, 'A', 'C', 'B'));
}

TEST_F(TokenizeTextTest, ReadsTokenizersWithoutTokenizerJson) {
  const nlohmann::json model = TinyTokenizerJson()["model"];
  WriteModelFile(root_, "ids", "vocab.json", model["vocab"].dump());
  WriteModelFile(root_, "ids", "merges.txt", "#version: 0.2\nh e\n");
  WriteModelFile(root_, "ids", "tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})");
  Runtime runtime(root_);
  const auto outcome = runtime.session.Tokenize({.model = "ids", .text = "heA"}, {});
  EXPECT_THAT(std::get<TokenizeResult>(outcome).ids, ElementsAre(kHe, 'A'));
}

TEST_F(TokenizeTextTest, SaysWhyItCannot) {
  const auto reason = [&](const TokenizeInput& input) {
    return std::get<ShardFailure>(runtime_->session.Tokenize(input, {})).reason;
  };
  EXPECT_EQ(reason({.model = "ids", .text = "A"}), "NO_TOKENIZER");
  EXPECT_EQ(reason({.model = "text", .text = "\xff"}), "INVALID_TEXT");
  EXPECT_EQ(reason({.model = "gone", .text = "A"}), "MODEL_CHANGED");
}

}  // namespace
}  // namespace headscope::worker
