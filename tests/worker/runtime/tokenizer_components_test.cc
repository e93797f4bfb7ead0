#include "worker/runtime/tokenizer_components.h"

#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

TEST(TokenizerComponentsTest, NamesEveryComponentByItsType) {
  nlohmann::json tokenizer = TinyTokenizerJson();
  tokenizer["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Prepend"}}}}};
  tokenizer["pre_tokenizer"] = {{"type", "Metaspace"}};
  tokenizer["post_processor"] = nullptr;
  tokenizer["decoder"] = {{"type", "ByteLevel"}};
  const TokenizerComponents components = ReadTokenizerComponents(tokenizer.dump());
  EXPECT_EQ(components.normalizer, "Sequence(NFC, Prepend)");
  EXPECT_EQ(components.pre_tokenizer, "Metaspace");
  EXPECT_EQ(components.model, "BPE");
  EXPECT_EQ(components.post_processor, "");
  EXPECT_EQ(components.decoder, "ByteLevel");
}

TEST(TokenizerComponentsTest, SaysNothingOfWhatIsNoTokenizer) {
  for (const char* text : {"", "[", "[]", "7", R"({"normalizer": 3, "model": {"type": 4}})"}) {
    EXPECT_EQ(ReadTokenizerComponents(text), TokenizerComponents()) << text;
  }
}

TEST(TokenizerComponentsTest, DoesNotFollowSequencesWithoutEnd) {
  nlohmann::json step = {{"type", "NFC"}};
  for (int depth = 0; depth < 1000; ++depth) step = {{"type", "Sequence"}, {"normalizers", {step}}};
  const std::string name = ReadTokenizerComponents(nlohmann::json({{"normalizer", step}}).dump()).normalizer;
  EXPECT_LT(name.size(), 100u);
}

}  // namespace
}  // namespace headscope::worker
