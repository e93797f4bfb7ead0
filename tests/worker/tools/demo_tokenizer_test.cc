#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/model/tokenizer/tokenizer.h"
#include "worker/tools/trainer/byte_vocabulary.h"

namespace headscope::worker {
namespace {

TEST(DemoTokenizerTest, TheProductsTokenizerReadsTextAsTheTrainerDoes) {
  const auto tokenizer = Tokenizer::Parse(ByteTokenizerJson());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  for (const std::string text : {"lookup: a=4 c=7 ; c ->", "  two  spaces\n\ttab", "Gr\u00fc\u00dfe \u4f60\u597d"}) {
    std::vector<std::int32_t> bytes;
    for (const unsigned char byte : text) bytes.push_back(byte);
    EXPECT_EQ(*(*tokenizer)->Encode(text, false), bytes);
    EXPECT_EQ(*(*tokenizer)->Encode(text, true), bytes);
    EXPECT_EQ(*(*tokenizer)->Decode(bytes), text);
  }
  EXPECT_EQ((*tokenizer)->TokenId("<|endoftext|>"), kEndOfSequenceId);
  EXPECT_EQ((*tokenizer)->size(), kByteVocabulary);
}

TEST(DemoTokenizerTest, TheShippedModelHasThisTokenizerAndEndsSamplesWithItsLastToken) {
  const std::string directory = HEADSCOPE_SOURCE_DIR "/deploy/demo/models/demo";
  const auto tokenizer = Tokenizer::Load(directory);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->size(), kByteVocabulary);
  EXPECT_EQ(*FindEndOfSequence(FilesIn(directory), **tokenizer), kEndOfSequenceId);
}

}  // namespace
}  // namespace headscope::worker
