#include "server/service/tokenize_stream.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"

namespace headscope::server {
namespace {

TEST(SplitAnswerTest, PiecesAreBoundedAndTogetherTheWhole) {
  TokenizeAnswer answer;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    answer.ids.push_back(i);
    answer.tokens.push_back(absl::StrCat("token", i));
  }
  for (int i = 0; i < 700'000; ++i) answer.text += "é";
  answer.prompt_tokens = 12;
  const auto messages = SplitAnswer(answer);
  EXPECT_GT(messages.size(), 2u);
  TokenizeAnswer joined;
  for (const auto& message : messages) {
    EXPECT_LE(message.ByteSizeLong(), kMaxBlockBytes);
    // Unset in all but the first; parsing checks UTF-8.
    EXPECT_EQ(message.has_prompt_tokens(), &message == &messages.front());
    v1::TokenizeResponse parsed;
    EXPECT_TRUE(parsed.ParseFromString(message.SerializeAsString()));
    joined.ids.insert(joined.ids.end(), message.ids().begin(), message.ids().end());
    joined.tokens.insert(joined.tokens.end(), message.tokens().begin(), message.tokens().end());
    joined.text += message.text();
  }
  EXPECT_EQ(joined.ids, answer.ids);
  EXPECT_EQ(joined.tokens, answer.tokens);
  EXPECT_EQ(joined.text, answer.text);
}

TEST(SplitAnswerTest, EmptyAnswerIsOneMessage) { EXPECT_EQ(SplitAnswer({}).size(), 1u); }

}  // namespace
}  // namespace headscope::server
