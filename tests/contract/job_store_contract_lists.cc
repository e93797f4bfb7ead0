// Lists and pages.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/contract/job_store_contract.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Ids(const Page<Job>& page) {
  std::vector<std::string> ids;
  for (const Job& job : page.items) ids.push_back(job.id);
  return ids;
}

TEST_P(JobStoreContract, JobsAreListedNewestFirstInPages) {
  std::vector<std::string> submitted;
  for (int i = 0; i < 5; ++i) submitted.insert(submitted.begin(), SubmitSamples(1).id);
  const auto first = store().ListJobs({}, {2, ""});
  ASSERT_THAT(first, IsOk());
  // A job that comes in between moves nothing.
  SubmitSamples(1);
  const auto second = store().ListJobs({}, {2, first->next_token});
  ASSERT_THAT(second, IsOk());
  const auto third = store().ListJobs({}, {2, second->next_token});
  ASSERT_THAT(third, IsOk());
  EXPECT_THAT(Ids(*first), ElementsAre(submitted[0], submitted[1]));
  EXPECT_THAT(Ids(*second), ElementsAre(submitted[2], submitted[3]));
  EXPECT_THAT(Ids(*third), ElementsAre(submitted[4]));
  EXPECT_EQ(third->next_token, "");
}

TEST_P(JobStoreContract, APageThatEndsWithTheLastJobHasNoNextToken) {
  SubmitSamples(1);
  SubmitSamples(1);
  EXPECT_EQ(store().ListJobs({}, {2, ""})->next_token, "");
}

TEST_P(JobStoreContract, JobsAreFilteredByStateModelAndLabels) {
  const std::string dataset = Dataset(1);
  NewJob job = JobOn(dataset);
  const std::string plain = Submit(job).id;
  job.spec.model = "llama";
  const std::string llama = Submit(job).id;
  job.spec.labels = {{"task", "gsm8k"}, {"run", "1"}};
  const std::string labelled = Submit(job).id;
  ASSERT_THAT(store().Cancel(llama), IsOk());
  const auto list = [&](const JobFilter& filter) { return Ids(*store().ListJobs(filter, {})); };
  EXPECT_THAT(list({{JobState::kCancelled, JobState::kRunning}, "", {}}), ElementsAre(llama));
  EXPECT_THAT(list({{JobState::kQueued}, "", {}}), ElementsAre(labelled, plain));
  EXPECT_THAT(list({{}, "llama", {}}), ElementsAre(labelled, llama));
  EXPECT_THAT(list({{}, "", {{"task", "gsm8k"}}}), ElementsAre(labelled));
  EXPECT_THAT(list({{}, "", {{"task", "gsm8k"}, {"run", "1"}}}), ElementsAre(labelled));
  EXPECT_THAT(list({{}, "", {{"task", "gsm8k"}, {"run", "2"}}}), IsEmpty());
  EXPECT_THAT(list({{JobState::kQueued}, "gpt2", {}}), ElementsAre(plain));
}

TEST_P(JobStoreContract, PageTokensAreOnlyGoodForTheirOwnQuestion) {
  for (int i = 0; i < 3; ++i) SubmitSamples(1);
  const std::string token = store().ListJobs({}, {1, ""})->next_token;
  const auto bad = IsError(StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN");
  EXPECT_THAT(store().ListJobs({{JobState::kQueued}, "", {}}, {1, token}), bad);
  EXPECT_THAT(store().ListJobs({{}, "gpt2", {}}, {1, token}), bad);
  EXPECT_THAT(store().ListDatasets({1, token}), bad);
  EXPECT_THAT(store().ListJobs({}, {1, token + "x"}), bad);
  EXPECT_THAT(store().ListJobs({}, {1, "not a token"}), bad);
  EXPECT_THAT(store().ListJobs({}, {1, "AAAA"}), bad);
  // The size is not part of the question.
  EXPECT_THAT(store().ListJobs({}, {2, token}), IsOk());
}

TEST_P(JobStoreContract, DatasetsAreListedNewestFirstInPages) {
  const std::string first = Dataset(1);
  const std::string second = Dataset(2);
  const std::string third = Dataset(3);
  const auto page = store().ListDatasets({2, ""});
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->items.size(), 2);
  EXPECT_EQ(page->items[0].digest, third);
  EXPECT_EQ(page->items[1].sample_count, 2);
  const auto rest = store().ListDatasets({2, page->next_token});
  ASSERT_THAT(rest, IsOk());
  ASSERT_EQ(rest->items.size(), 1);
  EXPECT_EQ(rest->items[0].digest, first);
  EXPECT_EQ(rest->items[0].size_bytes, 100);
}

TEST_P(JobStoreContract, InvalidSamplesAreListedInDatasetOrderAndCounted) {
  const Job job = SubmitSamples(2 * kPrepareShardSamples);
  const SessionRef session = OpenSession("w");
  for (int shard = 0; shard < 2; ++shard) {
    const Lease lease = ClaimOf(session, job.id);
    std::vector<PreparedSample> valid;
    std::vector<InvalidSample> invalid;
    for (const std::uint32_t sample : lease.shard.samples) {
      if (sample % 2 == 0) {
        invalid.push_back({sample, absl::StrCat("id", sample), sample % 4 == 0 ? "TOO_LONG" : "EMPTY_RESPONSE", "why"});
      } else {
        valid.push_back({sample, 5, 2});
      }
    }
    ASSERT_THAT(store().CompletePrepare(KeyOf(session, lease), Digest('m'), valid, invalid), IsOk());
  }
  std::uint32_t next = 0;
  std::string token;
  do {
    const auto page = store().ListInvalidSamples(job.id, {1000, token});
    ASSERT_THAT(page, IsOk());
    for (const InvalidSample& sample : page->items) {
      EXPECT_EQ(sample.index, next);
      EXPECT_EQ(sample.id, absl::StrCat("id", next));
      EXPECT_EQ(sample.message, "why");
      next += 2;
    }
    token = page->next_token;
  } while (!token.empty());
  EXPECT_EQ(next, 2 * kPrepareShardSamples);
  const std::map<std::string, std::uint64_t> counts = *store().CountInvalidSamples(job.id);
  EXPECT_EQ(counts, (std::map<std::string, std::uint64_t>{{"EMPTY_RESPONSE", kPrepareShardSamples / 2},
                                                          {"TOO_LONG", kPrepareShardSamples / 2}}));
  EXPECT_EQ(Get(job.id).counts.invalid_samples, kPrepareShardSamples);
}

TEST_P(JobStoreContract, AttemptsAreTheNewestOldestFirst) {
  const Job job = SubmitSamples(1);
  for (const char* worker : {"a", "b", "c"}) {
    const SessionRef session = OpenSession(worker);
    ASSERT_THAT(store().Release(KeyOf(session, ClaimOf(session, job.id))), IsOk());
    clock().Advance(absl::Seconds(1));
  }
  const auto newest = store().ListAttempts(job.id, 2);
  ASSERT_THAT(newest, IsOk());
  ASSERT_EQ(newest->size(), 2);
  EXPECT_EQ((*newest)[0].worker, "b");
  EXPECT_EQ((*newest)[1].worker, "c");
  EXPECT_EQ((*newest)[1].device, "cpu");
  EXPECT_EQ((*newest)[1].build, "headscope test");
  EXPECT_EQ((*newest)[1].outcome, Outcome::kReleased);
  EXPECT_EQ((*newest)[1].start_time, clock().Now() - absl::Seconds(1));
  EXPECT_EQ(store().ListAttempts(job.id, 0)->size(), 3);
  EXPECT_EQ(Get(job.id).counts.attempts, 3);
}

TEST_P(JobStoreContract, StatsCountWhatWaitsAndWhatIsLeased) {
  // Of 10 tokens a sample.
  constexpr std::uint64_t kTwoShards = 3 * kMinShardTokens / 20;
  const Job running = SubmitSamples(kTwoShards);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, running.id);
  EXPECT_EQ(store().Stats()->depth.at({"gpt2", 0}), 1) << "preparing is waiting";
  ASSERT_THAT(CompletePrepare(session, lease), IsOk());
  ClaimOf(session, running.id);
  clock().Advance(absl::Seconds(3));
  NewJob job = JobOn(Dataset(1));
  job.spec.priority = 5;
  Submit(job);
  clock().Advance(absl::Seconds(4));
  const auto stats = store().Stats();
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->depth.count({"gpt2", 0}), 0) << "it has started";
  EXPECT_EQ(stats->depth.at({"gpt2", 5}), 1);
  EXPECT_EQ(stats->shards.at({"gpt2", 0}), 1);
  EXPECT_EQ(stats->shards.at({"gpt2", 5}), 1);
  EXPECT_EQ(stats->oldest_age.at("gpt2"), absl::Seconds(4));
  EXPECT_EQ(stats->leases_active, 1);
  EXPECT_EQ(stats->queued_jobs, 1);
}

}  // namespace
}  // namespace headscope::server
