#include "worker/model/tokenizer/legacy_files.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Files = std::map<std::string, std::string>;

constexpr std::int32_t kEndOfText = kTinySize;

// The tiny tokenizer as two files.
Files TinyFiles() {
  const nlohmann::json model = TinyTokenizerJson()["model"];
  std::string merges = "#version: 0.2\n";
  for (const std::string merge : model["merges"]) merges += merge + "\n";
  return {{"vocab.json", model["vocab"].dump()}, {"merges.txt", merges}};
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Read(const Files& files) {
  return Tokenizer::Read([&](const std::string& name) -> absl::StatusOr<std::string> {
    const auto found = files.find(name);
    if (found == files.end()) return absl::NotFoundError("there is no file " + name);
    return found->second;
  });
}

std::unique_ptr<const Tokenizer> Make(const Files& files) {
  auto tokenizer = Read(files);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

TEST(LegacyFilesTest, TwoFilesAreByteLevelWithAnEndOfText) {
  const auto tokenizer = Make(TinyFiles());
  EXPECT_THAT(IdsOf(*tokenizer, "x hello<|endoftext|>he1", true), ElementsAre('x', ' ', kHello, kEndOfText, kHe, '1'));
  EXPECT_EQ(*tokenizer->Decode({'x', kSpaceHe, kEndOfText}), "x he<|endoftext|>");
}

TEST(LegacyFilesTest, WindowsLineEndsAndBlankLinesAreNoMerges) {
  Files files = TinyFiles();
  files["merges.txt"] = "#version: 0.2\r\nh e\r\n\r\nl l\r\n";
  EXPECT_THAT(IdsOf(*Make(files), "hell"), ElementsAre(kHe, kLl));
}

TEST(LegacyFilesTest, TokenizerJsonComesFirst) {
  Files files = TinyFiles();
  nlohmann::json json = TinyTokenizerJson();
  json["model"]["merges"] = nlohmann::json::array();
  files["tokenizer.json"] = json.dump();
  EXPECT_THAT(IdsOf(*Make(files), "he"), ElementsAre('h', 'e'));
}

TEST(LegacyFilesTest, AddsTheBeginningThatTheConfigurationAsksFor) {
  Files files = TinyFiles();
  nlohmann::json vocab = nlohmann::json::parse(files["vocab.json"]);
  vocab["</s>"] = kTinySize;
  files["vocab.json"] = vocab.dump();
  files["tokenizer_config.json"] =
      R"({"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true, "bos_token": {"content": "</s>", "normalized": true},
          "eos_token": "</s>", "unk_token": "</s>", "add_prefix_space": false})";
  const auto tokenizer = Make(files);
  EXPECT_THAT(IdsOf(*tokenizer, "he", true), ElementsAre(kTinySize, kHe));
  EXPECT_THAT(IdsOf(*tokenizer, "he</s>", false), ElementsAre(kHe, kTinySize));
  EXPECT_THAT(tokenizer->LeadingSpecialTokens(), ElementsAre(kTinySize));
}

TEST(LegacyFilesTest, TheSpecialTokensMapNamesTokensToo) {
  Files files = TinyFiles();
  files["special_tokens_map.json"] =
      R"({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "he", "additional_special_tokens": ["<x>", "<s>"]})";
  files["tokenizer_config.json"] = R"({"eos_token": null, "add_bos_token": true})";
  const auto tokenizer = Make(files);
  EXPECT_THAT(IdsOf(*tokenizer, "<s><x>he</s>", true),
              ElementsAre(kTinySize, kTinySize, kTinySize + 1, kHe, '<', '/', 's', '>'));
}

TEST(LegacyFilesTest, AddedTokensKeepTheirIdsAndFlags) {
  Files files = TinyFiles();
  files["tokenizer_config.json"] =
      R"({"added_tokens_decoder": {"262": {"content": "<b>", "lstrip": true}, "261": {"content": "<|endoftext|>", "special": true}}})";
  EXPECT_THAT(IdsOf(*Make(files), "h  <b><|endoftext|>"), ElementsAre('h', 262, 261));
}

TEST(LegacyFilesTest, AddedTokensMayComeAsAFile) {
  Files files = TinyFiles();
  files["added_tokens.json"] = R"({"<b>": 262, "<a>": 261})";
  EXPECT_THAT(IdsOf(*Make(files), "<a><b><|endoftext|>"), ElementsAre(261, 262, 263));
}

TEST(LegacyFilesTest, AnotherClassHasAnotherPatternAndComposes) {
  Files files = TinyFiles();
  files["tokenizer_config.json"] = R"({"tokenizer_class": "Qwen2Tokenizer", "bos_token": null})";
  nlohmann::json vocab = nlohmann::json::parse(files["vocab.json"]);
  vocab["12"] = kTinySize;
  files["vocab.json"] = vocab.dump();
  files["merges.txt"] += "1 2\n";
  EXPECT_THAT(IdsOf(*Make(files), "12e\u0301"), ElementsAre('1', '2', 0xC3, 0xA9));
  files["tokenizer_config.json"] = R"({"tokenizer_class": "GPT2TokenizerFast"})";
  EXPECT_THAT(IdsOf(*Make(files), "12e\u0301"), ElementsAre(kTinySize, 'e', 0xCC, 0x81));
}

TEST(LegacyFilesTest, WithoutAClassTheModelTypeDecides) {
  Files files = TinyFiles();
  files["config.json"] = R"({"model_type": "qwen2"})";
  EXPECT_THAT(IdsOf(*Make(files), "e\u0301"), ElementsAre(0xC3, 0xA9));
  files["config.json"] = R"({"model_type": "opt"})";
  EXPECT_THAT(IdsOf(*Make(files), "e\u0301"), ElementsAre('e', 0xCC, 0x81));
}

TEST(LegacyFilesTest, WhatIsNotKnownIsRefusedByName) {
  const auto refused = [](const std::string& name, const std::string& text) {
    Files files = TinyFiles();
    files[name] = text;
    const auto status = Read(files).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(refused("tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})"),
              HasSubstr("\"BertTokenizer\""));
  EXPECT_THAT(refused("config.json", R"({"model_type": "bert"})"), HasSubstr("names no tokenizer_class"));
  EXPECT_THAT(refused("tokenizer_config.json", "["), HasSubstr("tokenizer_config.json: is not JSON"));
  EXPECT_THAT(refused("tokenizer_config.json", R"({"bos_token": 3})"), HasSubstr("bos_token"));
  EXPECT_THAT(refused("tokenizer_config.json", R"({"bos_token": null, "add_bos_token": true})"),
              HasSubstr("no bos_token"));
  EXPECT_THAT(refused("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "a"}}})"),
              HasSubstr("added_tokens_decoder[\"x\"]"));
  EXPECT_THAT(refused("added_tokens.json", R"({"<a>": 400})"), HasSubstr("vocab.json and merges.txt: added_tokens[0]"));
  EXPECT_THAT(refused("vocab.json", "[]"), HasSubstr("vocab.json"));
  EXPECT_THAT(refused("merges.txt", "h\n"), HasSubstr("merges[0] is \"h\""));
}

TEST(LegacyFilesTest, IdsThatAreNoneAreRefused) {
  Files files = TinyFiles();
  files["vocab.json"] = R"({"<s>": "x"})";
  files["merges.txt"] = "#version: 0.2\n";
  files["tokenizer_config.json"] = R"({"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true, "bos_token": "<s>"})";
  EXPECT_TRUE(absl::IsInvalidArgument(Read(files).status())) << Read(files).status();
  files = TinyFiles();
  for (const char* id : {"2147483647", "-1", "99999999999999999999"}) {
    files["tokenizer_config.json"] = nlohmann::json{{"added_tokens_decoder", {{id, {{"content", "<x>"}}}}}}.dump();
    EXPECT_TRUE(absl::IsInvalidArgument(Read(files).status())) << id << Read(files).status();
  }
}

TEST(LegacyFilesTest, ManyAddedTokensTakeLinearTime) {
  Files files = TinyFiles();
  nlohmann::json config = {{"additional_special_tokens", nlohmann::json::array()}};
  for (int token = 0; token < 50'000; ++token) {
    config["additional_special_tokens"].push_back("<a" + std::to_string(token) + ">");
  }
  files["tokenizer_config.json"] = config.dump();
  EXPECT_EQ(Make(files)->TokenId("<a49999>"), kTinySize + 50'000);
}

TEST(LegacyFilesTest, OneOfTheTwoFilesIsNoTokenizer) {
  for (const char* name : {"vocab.json", "merges.txt"}) {
    Files files = TinyFiles();
    files.erase(name);
    const auto status = Read(files).status();
    EXPECT_TRUE(absl::IsNotFound(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("tokenizer.json"));
  }
}

}  // namespace
}  // namespace headscope::worker
