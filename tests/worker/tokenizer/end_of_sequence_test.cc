#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using ::testing::HasSubstr;

// A model directory of its own for each test.
class EndOfSequenceTest : public ::testing::Test {
 protected:
  EndOfSequenceTest()
      : directory_(std::filesystem::path(::testing::TempDir()) /
                   (std::string("headscope_") + ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    nlohmann::json json = TinyTokenizerJson();
    json["added_tokens"] = {AddedTokenJson(kTinySize, "</s>", {"special"})};
    tokenizer_ = ParseTokenizer(json);
  }
  ~EndOfSequenceTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) { std::ofstream(directory_ / name) << text; }
  absl::StatusOr<std::int32_t> Find() const { return FindEndOfSequence(FilesIn(directory_.string()), *tokenizer_); }
  std::int32_t Found() const {
    const auto id = Find();
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(-1);
  }

  std::filesystem::path directory_;
  std::unique_ptr<const Tokenizer> tokenizer_;
};

TEST_F(EndOfSequenceTest, TokenizerConfigComesFirst) {
  Write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  Write("generation_config.json", R"({"eos_token_id": 2})");
  Write("config.json", R"({"eos_token_id": 3})");
  EXPECT_EQ(Found(), kTinySize);
}

TEST_F(EndOfSequenceTest, TokenMayBeAnObject) {
  Write("tokenizer_config.json", R"({"eos_token": {"__type": "AddedToken", "content": "</s>"}})");
  EXPECT_EQ(Found(), kTinySize);
}

TEST_F(EndOfSequenceTest, GenerationConfigComesBeforeConfig) {
  Write("tokenizer_config.json", R"({"eos_token": null})");
  Write("generation_config.json", R"({"eos_token_id": 2})");
  Write("config.json", R"({"eos_token_id": 3})");
  EXPECT_EQ(Found(), 2);
}

TEST_F(EndOfSequenceTest, ConfigComesLast) {
  Write("generation_config.json", R"({"temperature": 1.0, "eos_token_id": []})");
  Write("config.json", R"({"eos_token_id": 3})");
  EXPECT_EQ(Found(), 3);
}

TEST_F(EndOfSequenceTest, FirstOfAListIsTaken) {
  Write("config.json", R"({"eos_token_id": [8, 9]})");
  EXPECT_EQ(Found(), 8);
}

TEST_F(EndOfSequenceTest, AnIdBeyondTheVocabularyIsReturnedAsItIs) {
  Write("config.json", R"({"eos_token_id": 50256})");
  EXPECT_EQ(Found(), 50256);
}

TEST_F(EndOfSequenceTest, ATokenUnknownToTheTokenizerIsPassedOver) {
  Write("tokenizer_config.json", R"({"eos_token": "<|nothing|>"})");
  Write("config.json", R"({"eos_token_id": 3})");
  EXPECT_EQ(Found(), 3);
}

TEST_F(EndOfSequenceTest, NoneIsRefusedNamingTheFlag) {
  Write("tokenizer_config.json", R"({"eos_token": "<|nothing|>"})");
  const auto status = Find().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("--append-eos false"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("<|nothing|>"));
}

TEST_F(EndOfSequenceTest, MalformedFilesAreNamed) {
  for (const char* text : {"[", "[]", R"({"eos_token": 3})", R"({"eos_token": {}})"}) {
    Write("tokenizer_config.json", text);
    const auto status = Find().status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("tokenizer_config.json"));
  }
  Write("tokenizer_config.json", "{}");
  for (const char* text : {R"({"eos_token_id": "3"})", R"({"eos_token_id": -1})", R"({"eos_token_id": [[3]]})"}) {
    Write("config.json", text);
    const auto status = Find().status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("config.json: eos_token_id"));
  }
}

}  // namespace
}  // namespace headscope::worker
