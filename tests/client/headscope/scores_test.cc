#include "client/headscope/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/safetensors_writer.h"

namespace headscope::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::NamedTensor;
using tests::TwoSamples;
using tests::WriteSafetensors;

TEST(ParseScoresTest, ReadsColumnsAndPlanes) {
  const auto scores = ParseScores(WriteSafetensors(TwoSamples()));

  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT(scores->ids, ElementsAre("a", "b"));
  EXPECT_THAT(scores->index, ElementsAre(0, 2));
  EXPECT_THAT(scores->tokens, ElementsAre(5, 7));
  EXPECT_THAT(scores->response_tokens, ElementsAre(3, 4));
  EXPECT_THAT(scores->objective, ElementsAre(1.25, 2.5));
  EXPECT_EQ(scores->layers, 1);
  EXPECT_EQ(scores->heads, 2);
}

TEST(ParseScoresTest, SignedScoresAreThoseOfPromptAndResponse) {
  const auto scores = ParseScores(WriteSafetensors(TwoSamples()));

  ASSERT_TRUE(scores.ok());
  EXPECT_THAT(*scores->Signed(0), ElementsAre(1.5, -2));
  EXPECT_THAT(*scores->Signed(1), ElementsAre(0.5, 0.25));
  EXPECT_EQ(scores->Signed(2).status().code(), absl::StatusCode::kOutOfRange);
}

TEST(ParseScoresTest, RefusesEveryTruncation) {
  const std::string file = WriteSafetensors(TwoSamples());
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(ParseScores(file.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size << " bytes";
  }
}

// The error of the two samples' file after a change.
template <typename Change>
std::string ErrorAfter(const Change& change) {
  std::vector<NamedTensor> tensors = TwoSamples();
  change(tensors);
  const auto scores = ParseScores(WriteSafetensors(tensors));
  return scores.ok() ? "no error" : std::string(scores.status().message());
}

TEST(ParseScoresTest, RefusesWhatDoesNotHoldTogether) {
  EXPECT_THAT(ErrorAfter([](auto& tensors) { tensors.erase(tensors.begin()); }), HasSubstr("ids is missing"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) {
                tensors[0].bytes = R"(["a", 1])";
                tensors[0].shape = {8};
              }),
              HasSubstr("other than strings"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) { tensors[1].dtype = "F32"; }), HasSubstr("index is F32, wanted U32"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) { tensors[2].shape = {3}; }), HasSubstr("tokens needs 12 bytes"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) { tensors[5].shape = {1, 2, 2}; }), HasSubstr("is not [2 samples"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) { tensors[6].shape = {2, 2, 1}; }), HasSubstr("another shape"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) {
                tensors[3].shape = {std::uint64_t{1} << 63, 4};
              }),
              HasSubstr("impossible shape"));
  EXPECT_THAT(ErrorAfter([](auto& tensors) { tensors[4].dtype = "BOOL"; }), HasSubstr("dtype BOOL"));
}

}  // namespace
}  // namespace headscope::client
