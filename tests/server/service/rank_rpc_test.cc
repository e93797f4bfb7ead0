// Samples of a pool ranked over the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "proto/support/limits.h"
#include "tests/server/service/analysis_fixture.h"

namespace headscope::server {
namespace {

using testing::HasSubstr;

class RankRpcTest : public AnalysisRpcTest {
 protected:
  struct Ranked {
    grpc::Status status;
    v1::RankSamplesResponse answer;
  };
  Ranked Rank(const std::vector<v1::RankSamplesRequest>& messages) {
    const auto context = Context();
    Ranked ranked;
    const auto writer = harness_.patterns().RankSamples(context.get(), &ranked.answer);
    for (const auto& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    ranked.status = writer->Finish();
    return ranked;
  }
};

v1::RankSamplesRequest RankHeader(const v1::PatternReference& target, const std::string& job = "") {
  v1::RankSamplesRequest message;
  *message.mutable_header()->mutable_target() = target;
  message.mutable_header()->set_pool_job(job);
  return message;
}

TEST_F(RankRpcTest, RanksRowsAsTheyCome) {
  v1::RankSamplesRequest first;
  *first.mutable_rows()->mutable_scores() =
      EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, 0, 1, 1}), {2, 1, 2});
  v1::RankSamplesRequest second;
  *second.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(std::vector<double>{0, 3}), {1, 1, 2});
  const Ranked ranked = Rank({RankHeader(Inline({0, 1}, 1, 2)), first, second});
  ASSERT_TRUE(ranked.status.ok()) << ranked.status.error_message();
  EXPECT_EQ(ranked.answer.pool_samples(), 3u);
  ASSERT_EQ(ranked.answer.samples_size(), 3);
  EXPECT_EQ(ranked.answer.samples(0).id(), "3");
  EXPECT_EQ(ranked.answer.samples(0).index(), 2u);
  EXPECT_DOUBLE_EQ(ranked.answer.samples(0).score(), 1);
  EXPECT_EQ(ranked.answer.samples(2).id(), "1");
  EXPECT_EQ(ranked.answer.measure(), v1::RANK_MEASURE_COSINE);
}

TEST_F(RankRpcTest, RanksAJobsSamplesByTheirOwnScores) {
  const std::string job = Job();
  v1::RankSamplesRequest header = RankHeader(Named(job), "jobs/" + job);
  header.mutable_header()->set_measure(v1::RANK_MEASURE_PROJECTION);
  header.mutable_header()->set_top(3);
  const Ranked ranked = Rank({header});
  ASSERT_TRUE(ranked.status.ok()) << ranked.status.error_message();
  EXPECT_EQ(ranked.answer.pool_samples(), 5u);
  ASSERT_EQ(ranked.answer.samples_size(), 3);
  for (const v1::RankedSample& sample : ranked.answer.samples()) {
    EXPECT_EQ(sample.id(), "s" + std::to_string(sample.index()));
  }
  EXPECT_GE(ranked.answer.samples(0).score(), ranked.answer.samples(1).score());
}

TEST_F(RankRpcTest, RankingsInAnotherOrderOrShapeAreRefused) {
  v1::RankSamplesRequest rows;
  *rows.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, 0}), {1, 1, 2});
  const v1::RankSamplesRequest header = RankHeader(Inline({0, 1}, 1, 2));
  EXPECT_EQ(ReasonOf(Rank({rows}).status), "RANK_OUT_OF_ORDER");
  EXPECT_EQ(ReasonOf(Rank({}).status), "RANK_OUT_OF_ORDER");
  EXPECT_EQ(ReasonOf(Rank({header, header}).status), "RANK_OUT_OF_ORDER");
  EXPECT_EQ(ReasonOf(Rank({RankHeader(Inline({0, 1, 2}, 1, 3)), rows}).status), "SHAPE_MISMATCH");
  EXPECT_EQ(ReasonOf(Rank({RankHeader(Inline({0, 0}, 1, 2)), rows}).status), "TARGET_NOT_DEFINED");
  EXPECT_EQ(ReasonOf(Rank({RankHeader(Inline(kFirst), "jobs/j-0000000000000000")}).status), "PATTERN_NOT_FOUND");
  v1::RankSamplesRequest bad = rows;
  *bad.mutable_rows()->mutable_scores() = EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, NAN}), {1, 1, 2});
  EXPECT_EQ(ReasonOf(Rank({header, rows, bad}).status), "BAD_PATTERN");
  EXPECT_TRUE(Rank({header}).status.ok()) << "an empty pool has an empty answer";
}

// A ranking whose client has sent its header and says nothing more.
struct OpenRanking {
  std::unique_ptr<grpc::ClientContext> context = Context();
  v1::RankSamplesResponse answer;
  std::unique_ptr<grpc::ClientWriter<v1::RankSamplesRequest>> writer;

  OpenRanking(ServiceHarness& harness, const v1::RankSamplesRequest& header)
      : writer(harness.patterns().RankSamples(context.get(), &answer)) {
    writer->Write(header);
  }
};

TEST_F(RankRpcTest, RankingsThatWaitForTheirClientsLeaveRoomForOtherAnalyses) {
  std::vector<std::unique_ptr<OpenRanking>> idle;
  for (std::uint32_t i = 0; i < kMaxAnalyses; ++i) {
    idle.push_back(std::make_unique<OpenRanking>(harness_, RankHeader(Inline(kFirst))));
  }
  v1::DescribePatternRequest describe;
  *describe.mutable_pattern() = Inline(kFirst);
  EXPECT_TRUE(Describe(describe).ok());
  for (const auto& open : idle) {
    open->context->TryCancel();
    EXPECT_EQ(open->writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST(RankIdleTest, ARankingWhoseClientSaysNothingEndsAndGivesItsPlaceBack) {
  ServiceHarness harness({.rank_idle_limit = absl::Milliseconds(5)});
  v1::RankSamplesRequest header = RankHeader(Inline(kFirst));
  // Places and memory of many more than there is room for at a time.
  header.mutable_header()->set_top(kMaxRankedSamples);
  for (std::uint32_t i = 0; i < kMaxAnalyses + 2; ++i) {
    const grpc::Status status = OpenRanking(harness, header).writer->Finish();
    ASSERT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
    EXPECT_EQ(ReasonOf(status), "RANKING_IDLE");
    EXPECT_THAT(status.error_message(), HasSubstr("awaited for 5ms, nothing came"));
  }
}

// Whose candidates may come to a fourth of the memory for rankings, and a little.
v1::RankSamplesRequest LargeHeader() {
  v1::RankSamplesRequest header = RankHeader(Inline(std::vector<double>(1024, 1), 32, 32));
  header.mutable_header()->mutable_diversity()->set_max_cosine(0.5);
  header.mutable_header()->mutable_diversity()->set_candidates(kMaxCandidateValues / 1024);
  return header;
}

TEST_F(RankRpcTest, RankingsTogetherKeepNoMoreThanThereIsMemoryFor) {
  constexpr int kRankings = 6;
  constexpr int kFit = 3;
  std::vector<std::unique_ptr<OpenRanking>> open;
  for (int i = 0; i < kRankings; ++i) open.push_back(std::make_unique<OpenRanking>(harness_, LargeHeader()));
  absl::BlockingCounter refused(kRankings - kFit);
  std::vector<std::future<grpc::Status>> ends;
  for (const auto& one : open) {
    ends.push_back(std::async(std::launch::async, [&] {
      grpc::Status status = one->writer->Finish();
      if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) refused.DecrementCount();
      return status;
    }));
  }
  refused.Wait();
  for (const auto& one : open) one->context->TryCancel();
  int cancelled = 0;
  for (auto& end : ends) {
    const grpc::Status status = end.get();
    if (status.error_code() == grpc::StatusCode::CANCELLED) {
      ++cancelled;
      continue;
    }
    EXPECT_EQ(ReasonOf(status), "RANKINGS_FULL");
    EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat("of ", kMaxRankingBytes)));
  }
  EXPECT_EQ(cancelled, kFit);
}

TEST_F(RankRpcTest, ARankingThatIsDoneGivesItsMemoryBack) {
  for (int i = 0; i < 10; ++i) {
    const Ranked ranked = Rank({LargeHeader()});
    ASSERT_TRUE(ranked.status.ok()) << ranked.status.error_message();
  }
}

}  // namespace
}  // namespace headscope::server
