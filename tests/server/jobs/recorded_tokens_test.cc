#include "server/jobs/recorded_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/jobs/scores.h"
#include "tests/fakes/status_matchers.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using Counts = std::vector<std::uint32_t>;

// Samples of three and two tokens, of which two and one are supervised.
const Counts kTokens = {3, 2};
const Counts kResponseTokens = {2, 1};

RecordedTokens Recorded() {
  return {{7, 0, 9, 8, 7},
          {0, 1, 1, 0, 1},
          {2, 0, 1, 3, 2},
          "ab"
          "c"
          "def"
          "ab"};
}

RecordedTokens WithoutStrings() {
  RecordedTokens recorded = Recorded();
  recorded.string_lengths.clear();
  recorded.strings.clear();
  return recorded;
}

TEST(CheckRecordedTokensTest, TakesTokensWithAndWithoutStrings) {
  EXPECT_THAT(CheckRecordedTokens(Recorded(), kTokens, kResponseTokens), IsOk());
  EXPECT_THAT(CheckRecordedTokens(WithoutStrings(), kTokens, kResponseTokens), IsOk());
}

struct Fault {
  const char* name;
  void (*spoil)(RecordedTokens&);
  const char* said;
};

class FaultyTokensTest : public testing::TestWithParam<Fault> {};

TEST_P(FaultyTokensTest, AreRefused) {
  RecordedTokens recorded = Recorded();
  GetParam().spoil(recorded);
  const absl::Status status = CheckRecordedTokens(recorded, kTokens, kResponseTokens);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FaultyTokensTest,
    testing::Values(
        Fault{"AMissingId", [](RecordedTokens& recorded) { recorded.ids.pop_back(); }, "4 recorded token ids"},
        Fault{"AMaskThatIsShort", [](RecordedTokens& recorded) { recorded.response_mask.pop_back(); },
              "a response mask of 4, the samples have 5"},
        Fault{"AMaskOfAnotherSample",
              [](RecordedTokens& recorded) {
                recorded.response_mask = {0, 1, 0, 1, 1};
              },
              "marks 1 of 3 tokens, 2 are supervised"},
        Fault{"AMaskOfOtherNumbers", [](RecordedTokens& recorded) { recorded.response_mask[0] = 2; }, "marks 2 of 3"},
        Fault{"AStringForSome", [](RecordedTokens& recorded) { recorded.string_lengths.pop_back(); }, "have 4 strings"},
        Fault{"StringsThatAreShort", [](RecordedTokens& recorded) { recorded.strings.pop_back(); },
              "have 7 bytes, their lengths say 8"},
        Fault{"StringsWithoutLengths", [](RecordedTokens& recorded) { recorded.string_lengths.clear(); },
              "their lengths say 0"},
        Fault{"AStringThatIsTooLong",
              [](RecordedTokens& recorded) {
                recorded.string_lengths[0] = kMaxTokenStringBytes + 1;
                recorded.strings.resize(kMaxTokenStringBytes + 7);
              },
              "has 513 bytes, at most 512"}),
    [](const auto& info) { return info.param.name; });

// A shard of the two samples, one layer, one head.
ScoreBlock Block(const std::optional<RecordedTokens>& recorded) {
  return {{4, 6}, kTokens, kResponseTokens, {0.5, 1.5}, 1, 1, {{"signed", {1, 2}}}, recorded};
}

TEST(RecordedTokensCodecTest, TheyComeBackWithTheScores) {
  for (const RecordedTokens& recorded : {Recorded(), WithoutStrings()}) {
    const auto decoded = DecodeScores(EncodeScores(Block(recorded)));
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ(decoded->recorded, recorded);
    EXPECT_EQ(decoded->planes, Block(recorded).planes);
  }
}

TEST(RecordedTokensCodecTest, TheyAreAppendedToTheLayoutOfScoresAlone) {
  const std::string alone = EncodeScores(Block(std::nullopt));
  const std::string bytes = EncodeScores(Block(Recorded()));
  EXPECT_EQ(alone.substr(0, 4), "HSS1");
  EXPECT_FALSE(DecodeScores(alone)->recorded.has_value());
  EXPECT_EQ(bytes.substr(0, 4), "HSS2");
  EXPECT_EQ(bytes.substr(4, alone.size() - 4), alone.substr(4));
  EXPECT_EQ(bytes.substr(alone.size(), 12), std::string("\5\0\0\0\5\0\0\0\10\0\0\0", 12));
  EXPECT_EQ(bytes.size(), alone.size() + 12 + 5 * 4 + 5 + 5 * 4 + 8);
}

TEST(RecordedTokensCodecTest, EveryCutIsNoticed) {
  const std::string bytes = EncodeScores(Block(Recorded()));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeScores(bytes.substr(0, size)), IsError(StatusCode::kDataLoss, "")) << size;
  }
  EXPECT_THAT(DecodeScores(bytes + "x"), IsError(StatusCode::kDataLoss, ""));
}

TEST(RecordedTokensCodecTest, CountsThatDisagreeTakeNoMemoryAndAreNoticed) {
  const std::size_t begin = EncodeScores(Block(std::nullopt)).size();
  for (const std::size_t count : {begin, begin + 4, begin + 8}) {
    for (const char* value : {"\xff\xff\xff\xff", "\4\0\0\0"}) {
      std::string bytes = EncodeScores(Block(Recorded()));
      bytes.replace(count, 4, std::string(value, 4));
      EXPECT_THAT(DecodeScores(bytes), IsError(StatusCode::kDataLoss, "")) << count;
    }
  }
}

}  // namespace
}  // namespace headscope::server
