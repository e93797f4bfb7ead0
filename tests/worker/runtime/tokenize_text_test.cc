#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/runtime/runtime_fixture.h"

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
