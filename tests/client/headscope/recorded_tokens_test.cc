#include "client/headscope/recorded_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/client/safetensors_writer.h"

namespace headscope::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::BytesOf;
using tests::NamedTensor;
using tests::TokensOfTwoSamples;
using tests::TwoSamples;
using tests::WriteSafetensors;

std::string FileWith(const std::vector<NamedTensor>& tokens) {
  std::vector<NamedTensor> tensors = TwoSamples();
  tensors.insert(tensors.end(), tokens.begin(), tokens.end());
  return WriteSafetensors(tensors);
}

TEST(RecordedTokensTest, AreReadSampleBySample) {
  const auto scores = ParseScores(FileWith(TokensOfTwoSamples()));

  ASSERT_TRUE(scores.ok()) << scores.status();
  ASSERT_TRUE(scores->recorded.has_value());
  ASSERT_EQ(scores->recorded->size(), 2);
  const SampleTokens& first = scores->recorded->front();
  EXPECT_THAT(first.ids, ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(first.response_mask, ElementsAre(false, false, true, true, true));
  EXPECT_THAT(*first.strings, ElementsAre("t10", "t11", "t12", "t13", "t14"));
  const SampleTokens& second = scores->recorded->back();
  EXPECT_THAT(second.ids, ElementsAre(20, 21, 22, 23, 24, 25, 26));
  EXPECT_THAT(*second.strings, ElementsAre("t20", "", "t22", "t23", "t24", "t25", "t26"));
  EXPECT_EQ(scores->planes.size(), 2) << "none of their tensors is a plane";
}

TEST(RecordedTokensTest, AJobWithoutThemHasNone) {
  EXPECT_FALSE(ParseScores(WriteSafetensors(TwoSamples()))->recorded.has_value());
}

TEST(RecordedTokensTest, StringsMayBeAbsent) {
  std::vector<NamedTensor> tokens = TokensOfTwoSamples();
  tokens.resize(3);

  const auto scores = ParseScores(FileWith(tokens));

  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT(scores->recorded->front().ids, ElementsAre(10, 11, 12, 13, 14));
  EXPECT_FALSE(scores->recorded->front().strings.has_value());
}

TEST(RecordedTokensTest, EveryTruncationIsRefused) {
  const std::string file = FileWith(TokensOfTwoSamples());
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(ParseScores(file.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size << " bytes";
  }
}

using Tensors = std::vector<NamedTensor>;
enum Index { kOffsets, kIds, kMask, kStringOffsets, kStrings };

struct Damage {
  const char* name;
  std::function<void(Tensors&)> spoil;
  const char* said;
};

class DamagedTokensTest : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedTokensTest, AreRefused) {
  Tensors tokens = TokensOfTwoSamples();
  GetParam().spoil(tokens);

  const auto scores = ParseScores(FileWith(tokens));

  EXPECT_EQ(scores.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(scores.status().message(), HasSubstr(GetParam().said));
}

void SetOffsets(NamedTensor& tensor, std::vector<std::int64_t> offsets) {
  tensor.shape = {offsets.size()};
  tensor.bytes = BytesOf(offsets);
}

INSTANTIATE_TEST_SUITE_P(
    Damages, DamagedTokensTest,
    ::testing::Values(
        Damage{"NoIds", [](Tensors& tensors) { tensors.erase(tensors.begin() + kIds); }, "token_ids is missing"},
        Damage{"NoMask", [](Tensors& tensors) { tensors.erase(tensors.begin() + kMask); }, "response_mask is missing"},
        Damage{"NoOffsets", [](Tensors& tensors) { tensors.erase(tensors.begin()); }, "token_offsets is missing"},
        Damage{"StringsWithoutOffsets", [](Tensors& tensors) { tensors.erase(tensors.begin() + kStringOffsets); },
               "token_string_offsets is missing"},
        Damage{"OffsetsWithoutStrings", [](Tensors& tensors) { tensors.pop_back(); }, "token_strings is missing"},
        Damage{"AnotherDtype", [](Tensors& tensors) { tensors[kIds].dtype = "U32"; }, "token_ids is U32, wanted I32"},
        Damage{"ANegativeId",
               [](Tensors& tensors) { tensors[kIds].bytes.replace(0, 4, BytesOf(std::vector<std::int32_t>{-1})); },
               "has a negative id"},
        Damage{"AMaskOfTwos", [](Tensors& tensors) { tensors[kMask].bytes[0] = 2; }, "other than 0 and 1"},
        Damage{"AMaskThatCountsMore", [](Tensors& tensors) { tensors[kMask].bytes[0] = 1; },
               "sample 0 has 5 recorded tokens, 4 supervised; its counts say 5 and 3"},
        Damage{"AMaskThatIsShort",
               [](Tensors& tensors) {
                 tensors[kMask].bytes.pop_back();
                 tensors[kMask].shape = {11};
               },
               "response_mask has 11 values for 12 tokens"},
        Damage{"OffsetsOfAnotherCount",
               [](Tensors& tensors) {
                 SetOffsets(tensors[kOffsets], {0, 12});
               },
               "token_offsets is not 3 offsets from 0 to 12"},
        Damage{"NoOffsetAtAll", [](Tensors& tensors) { SetOffsets(tensors[kOffsets], {}); }, "is not 3 offsets"},
        Damage{"OffsetsThatGoBack",
               [](Tensors& tensors) {
                 SetOffsets(tensors[kOffsets], {0, 13, 12});
               },
               "is not 3 offsets"},
        Damage{"OffsetsBeforeTheBeginning",
               [](Tensors& tensors) {
                 SetOffsets(tensors[kOffsets], {-5, 0, 12});
               },
               "is not 3 offsets"},
        Damage{"OffsetsBeyondTheEnd",
               [](Tensors& tensors) {
                 SetOffsets(tensors[kOffsets], {0, 5, 13});
               },
               "is not 3 offsets"},
        Damage{"OffsetsOfOtherSamples",
               [](Tensors& tensors) {
                 SetOffsets(tensors[kOffsets], {0, 6, 12});
               },
               "sample 0 has 6 recorded tokens"},
        Damage{"StringsBeyondTheEnd",
               [](Tensors& tensors) {
                 tensors[kStrings].bytes.pop_back();
                 tensors[kStrings].shape = {tensors[kStrings].bytes.size()};
               },
               "token_string_offsets is not 13 offsets from 0 to 32"},
        Damage{"AStringThatIsNotText", [](Tensors& tensors) { tensors[kStrings].bytes[3] = '\xff'; },
               "string 1 of token_strings is not UTF-8"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace headscope::client
