// Worker sessions, restarts, the catalogue, and token counts that serve a second job.
#include <gmock/gmock.h>

#include "proto/support/error.h"
#include "tests/contract/job_store_contract.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kStaleSession = IsError(StatusCode::kAborted, "STALE_SESSION");

TEST_P(JobStoreContract, OpeningASessionEndsTheFormerOneOfTheProcess) {
  const SessionRef former = OpenSession("w", "one");
  const SessionRef current = OpenSession("w", "one");
  EXPECT_GT(current.epoch, former.epoch);
  EXPECT_THAT(store().Heartbeat(former, {}), kStaleSession);
  EXPECT_THAT(store().Claim(former, "j-none.p0"), kStaleSession);
  EXPECT_THAT(store().CloseSession(former), kStaleSession);
  EXPECT_THAT(store().DescribeSession(former), kStaleSession);
  EXPECT_THAT(store().Heartbeat({current.session, former.epoch}, {}), kStaleSession);
  EXPECT_THAT(store().Heartbeat(current, {}), IsOk());
  EXPECT_EQ(store().DescribeSession(current)->boot_id, "one");
}

TEST_P(JobStoreContract, AnotherProcessWaitsUntilTheFormerOneIsTakenForDead) {
  const Job job = SubmitSamples(5);
  const SessionRef former = OpenSession("w", "one");
  const Lease lease = ClaimOf(former, job.id);
  clock().Advance(kSessionTtl / 2);
  const WorkerDescription other{"w", "two", "", "", false};
  const auto refused = store().OpenSession(other);
  EXPECT_THAT(refused, IsError(StatusCode::kAlreadyExists, "WORKER_ID_IN_USE"));
  EXPECT_EQ(DetailsOf(refused.status()).retry_after, kSessionTtl / 2);
  EXPECT_THAT(store().Heartbeat(former, Held({lease}))->abandon, IsEmpty()) << "it has lost nothing";
  clock().Advance(kSessionTtl - absl::Seconds(1));
  EXPECT_THAT(store().OpenSession(other), IsError(StatusCode::kAlreadyExists, "WORKER_ID_IN_USE"));
  clock().Advance(absl::Seconds(1));
  ASSERT_THAT(store().OpenSession(other), IsOk());
  EXPECT_THAT(store().Heartbeat(former, {}), kStaleSession);
  EXPECT_EQ(ClaimOf(OpenSession("v"), job.id).shard.worker_deaths, 1) << "once";
}

TEST_P(JobStoreContract, ALocalWorkersNextProcessNeedNotWait) {
  OpenSession("local-0", "one", /*local=*/true);
  OpenSession("local-0", "two", /*local=*/true);
  ASSERT_THAT(store().CloseSession(OpenSession("w", "one")), IsOk());
  OpenSession("w", "two");
}

TEST_P(JobStoreContract, ASessionEndsWithoutHeartbeats) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  clock().Advance(kSessionTtl - absl::Seconds(1));
  ASSERT_THAT(store().Heartbeat(session, Held({lease})), IsOk());
  clock().Advance(kSessionTtl - absl::Seconds(1));
  EXPECT_FALSE(store().Reap()->work_available);
  clock().Advance(absl::Seconds(1));
  const auto effect = store().Reap();
  ASSERT_THAT(effect, IsOk());
  EXPECT_TRUE(effect->work_available);
  EXPECT_THAT(effect->changed_jobs, ElementsAre(job.id));
  EXPECT_THAT(store().Heartbeat(session, Held({lease})), kStaleSession);
  EXPECT_EQ(store().ListAttempts(job.id, 0)->at(0).outcome, Outcome::kWorkerLost);
  const Lease again = ClaimOf(OpenSession("v"), job.id);
  EXPECT_EQ(again.shard.worker_deaths, 1);
  EXPECT_EQ(again.shard.attempts, 0);
}

TEST_P(JobStoreContract, SessionsThatAreExtendedOutliveAPauseOfTheServer) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  clock().Advance(absl::Hours(1));
  ASSERT_THAT(store().ExtendSessions(), IsOk());
  EXPECT_FALSE(store().Reap()->work_available);
  EXPECT_THAT(CompletePrepare(session, lease), IsOk());
  clock().Advance(kSessionTtl);
  ASSERT_THAT(store().Reap(), IsOk());
  EXPECT_THAT(store().Heartbeat(session, {}), kStaleSession) << "once, not for ever";
}

TEST_P(JobStoreContract, AShardThatKillsItsWorkersFailsTheJob) {
  const Job job = SubmitSamples(5);
  for (std::uint32_t death = 0; death < kMaxWorkerDeaths; ++death) {
    EXPECT_EQ(Get(job.id).failure, std::nullopt);
    ClaimOf(OpenSession("local-0"), job.id);
    ASSERT_THAT(store().LoseWorker("local-0"), IsOk());
  }
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_EQ(Get(job.id).failure->reason, "POISONED");
}

TEST_P(JobStoreContract, OnlyDeathsWithinTheWindowCount) {
  StoreOptions options;
  options.worker_deaths = {2, absl::Minutes(10)};
  Restart(options);
  const Job job = SubmitSamples(5);
  for (int death = 0; death < 4; ++death) {
    EXPECT_EQ(ClaimOf(OpenSession("local-0"), job.id).shard.worker_deaths, 0u);
    ASSERT_THAT(store().LoseWorker("local-0"), IsOk());
    clock().Advance(absl::Minutes(10));
  }
  EXPECT_EQ(Get(job.id).failure, std::nullopt);
  for (std::uint32_t death = 0; death < 2; ++death) {
    EXPECT_EQ(ClaimOf(OpenSession("local-0"), job.id).shard.worker_deaths, death);
    ASSERT_THAT(store().LoseWorker("local-0"), IsOk());
    clock().Advance(absl::Minutes(9));
  }
  EXPECT_EQ(Get(job.id).failure->reason, "POISONED");
  EXPECT_THAT(Get(job.id).failure->message, ::testing::HasSubstr("2 times within 10m, 2 (--max-worker-deaths)"));
}

TEST_P(JobStoreContract, AShardLeasedAheadIsNotBlamedForItsWorkersDeath) {
  const Job first = SubmitSamples(5);
  const Job second = SubmitSamples(6);
  const SessionRef preparing = OpenSession("w");
  for (const Job& job : {first, second}) Prepare(preparing, job.id, 'm');
  for (std::uint32_t death = 1; death < kMaxWorkerDeaths; ++death) {
    const SessionRef session = OpenSession("local-0");
    const Lease computed = ClaimOf(session, first.id);
    const Lease ahead = ClaimOf(session, second.id);
    EXPECT_EQ(computed.shard.worker_deaths, death - 1);
    EXPECT_EQ(ahead.shard.worker_deaths, 0u);
    EXPECT_EQ(ahead.shard.fence, 2 * death - 1) << "raised by leasing it and by taking it away";
    ASSERT_THAT(store().LoseWorker("local-0"), IsOk());
    EXPECT_EQ(store().ListAttempts(first.id, 0)->back().outcome, Outcome::kWorkerLost);
    EXPECT_EQ(store().ListAttempts(second.id, 0)->back().outcome, Outcome::kReleased);
  }
}

TEST_P(JobStoreContract, TheSameProcessHasNotDiedWhenItComesBack) {
  const Job job = SubmitSamples(5);
  ClaimOf(OpenSession("w", "one"), job.id);
  const Lease same = ClaimOf(OpenSession("w", "one"), job.id);
  EXPECT_EQ(same.shard.worker_deaths, 0);
  EXPECT_EQ(same.shard.fence, 3) << "raised by taking it from the former session and by leasing it";
  ASSERT_THAT(store().LoseWorker("w"), IsOk());
  EXPECT_EQ(ClaimOf(OpenSession("w", "two"), job.id).shard.worker_deaths, 1);
}

TEST_P(JobStoreContract, LosingAWorkerWithoutSessionChangesNothing) {
  EXPECT_THAT(store().LoseWorker("nobody"), IsOk());
  ASSERT_THAT(store().CloseSession(OpenSession("w")), IsOk());
  EXPECT_THAT(store().LoseWorker("w"), IsOk());
}

TEST_P(JobStoreContract, ClosingASessionHandsItsLeasesBack) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  ClaimOf(session, job.id);
  const auto effect = store().CloseSession(session);
  ASSERT_THAT(effect, IsOk());
  EXPECT_TRUE(effect->work_available);
  const Lease again = ClaimOf(OpenSession("v"), job.id);
  EXPECT_EQ(again.shard.worker_deaths, 0);
  EXPECT_EQ(again.shard.attempts, 0);
}

TEST_P(JobStoreContract, AHeartbeatTellsWhichLeasesAreNotTheWorkersAnyMore) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  auto held = Held({lease});
  held.emplace_back("j-none.s0", 3);
  held.emplace_back(lease.shard.id, lease.shard.fence + 1);
  EXPECT_THAT(store().Heartbeat(session, held)->abandon, ElementsAre(held[1], held[2]));
}

TEST_P(JobStoreContract, ALeaseThatItsWorkerNeverHeardOfIsGivenToAnother) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  ClaimOf(session, job.id);
  for (int heartbeat = 0; heartbeat < 2; ++heartbeat) {
    const auto answer = store().Heartbeat(session, {});
    ASSERT_THAT(answer, IsOk());
    EXPECT_FALSE(answer->effect.work_available);
    clock().Advance(kHeartbeatInterval);
  }
  const auto answer = store().Heartbeat(session, {});
  ASSERT_THAT(answer, IsOk());
  EXPECT_TRUE(answer->effect.work_available);
  EXPECT_EQ(ClaimOf(OpenSession("v"), job.id).shard.attempts, 0);
}

TEST_P(JobStoreContract, ALeaseNamedAgainIsNotTakenAway) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  for (int heartbeat = 0; heartbeat < 6; ++heartbeat) {
    const auto held = heartbeat % 2 == 0 ? Held({}) : Held({lease});
    ASSERT_THAT(store().Heartbeat(session, held), IsOk());
    clock().Advance(kHeartbeatInterval);
  }
  EXPECT_THAT(store().CheckLease(KeyOf(session, lease)), IsOk());
}

TEST_P(JobStoreContract, ARestartEndsLocalSessionsWithoutBlame) {
  const Job job = SubmitSamples(5);
  for (std::uint32_t restart = 0; restart < 2 * kMaxWorkerDeaths; ++restart) {
    const SessionRef session = OpenSession("local-0", "boot", /*local=*/true);
    const Lease lease = ClaimOf(session, job.id);
    EXPECT_EQ(lease.shard.worker_deaths, 0);
    Restart();
    EXPECT_THAT(CompletePrepare(session, lease), kStaleSession);
  }
  EXPECT_EQ(Get(job.id).state, JobState::kPreparing);
}

TEST_P(JobStoreContract, ARestartCostsRemoteWorkersNothing) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  clock().Advance(absl::Hours(5));
  Restart();
  clock().Advance(kSessionTtl - absl::Seconds(1));
  ASSERT_THAT(store().Reap(), IsOk());
  EXPECT_EQ(store().DescribeSession(session)->worker_id, "w");
  EXPECT_THAT(store().Heartbeat(session, Held({lease}))->abandon, IsEmpty());
  EXPECT_THAT(CompletePrepare(session, lease), IsOk());
  EXPECT_TRUE(Get(job.id).prepared);
}

TEST_P(JobStoreContract, TheCatalogueIsTheLastWordOfEveryWorker) {
  OpenSession("w");
  OpenSession("v");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("a", Digest('a'), Digest('t')), Entry("b", "", "")}), IsOk());
  ASSERT_THAT(store().PutCatalogue("v", {Entry("a", Digest('a'), Digest('t'))}), IsOk());
  ASSERT_THAT(store().PutCatalogue("w", {Entry("c", Digest('c'), "")}), IsOk());
  Restart();
  const auto catalogue = store().Catalogue();
  ASSERT_THAT(catalogue, IsOk());
  ASSERT_EQ(catalogue->size(), 2);
  EXPECT_EQ((*catalogue)[0], std::make_pair(std::string("v"), Entry("a", Digest('a'), Digest('t'))));
  EXPECT_EQ((*catalogue)[1], std::make_pair(std::string("w"), Entry("c", Digest('c'), "")));
}

TEST_P(JobStoreContract, ASecondJobOnTheSameDataAndModelIsNotPreparedAgain) {
  const std::string dataset = Dataset(5);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", Digest('m'), Digest('t'))}), IsOk());
  const Job first = Submit(JobOn(dataset));
  Finish(session, first.id);
  ASSERT_THAT(store().DeleteJob(first.id), IsOk());
  const Job second = Submit(JobOn(dataset));
  EXPECT_TRUE(second.prepared);
  EXPECT_EQ(second.spec.model_digest, Digest('m'));
  EXPECT_EQ(second.counts.tokens_total, 50);
  EXPECT_EQ(ClaimOf(session, second.id).shard.phase, Phase::kScore);
}

TEST_P(JobStoreContract, AJobRemembersTheModelItIsPinnedTo) {
  const std::string dataset = Dataset(5);
  const SessionRef session = OpenSession("w");
  CatalogueEntry entry = Entry("gpt2", Digest('m'), Digest('t'));
  entry.kv_heads = 2;
  entry.layers = 3;
  entry.heads = 4;
  entry.head_dim = 5;
  ASSERT_THAT(store().PutCatalogue("w", {entry}), IsOk());
  const Job first = Submit(JobOn(dataset));
  EXPECT_EQ(first.model, ModelFacts());
  Finish(session, first.id);
  const Job second = Submit(JobOn(dataset));
  ASSERT_TRUE(second.prepared);
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", Digest('n'), "")}), IsOk());
  Restart();
  const ModelFacts facts{"gpt2", "float32", 2, entry.layers, entry.heads, entry.head_dim};
  EXPECT_EQ(Get(first.id).model, facts) << "pinned when it was prepared";
  EXPECT_EQ(Get(second.id).model, facts) << "pinned when it was submitted";
}

TEST_P(JobStoreContract, BatchesAreAsLargeAsSuitsEveryConnectedWorkerAndStaySo) {
  const std::string dataset = Dataset(5);
  const auto connect = [&](const std::string& worker, std::uint32_t batch_tokens) {
    const SessionRef session = OpenSession(worker);
    CatalogueEntry entry = Entry("gpt2", Digest('m'), Digest('t'));
    entry.batch_tokens = batch_tokens;
    EXPECT_THAT(store().PutCatalogue(worker, {entry}), IsOk());
    return session;
  };
  const SessionRef gone = connect("gone", 100);
  const SessionRef session = connect("w", 4096);
  connect("small", 512);
  connect("silent", 0);
  ASSERT_THAT(store().CloseSession(gone), IsOk());
  const Job first = Submit(JobOn(dataset));
  Prepare(session, first.id);
  EXPECT_EQ(Get(first.id).spec.batch_tokens, 512);
  EXPECT_EQ(ClaimOf(session, first.id).shard.batch_tokens, 512);
  connect("small", 256);
  EXPECT_EQ(Get(first.id).spec.batch_tokens, 512) << "the plan is fixed";
  const Job second = Submit(JobOn(dataset));
  ASSERT_TRUE(second.prepared);
  EXPECT_EQ(second.spec.batch_tokens, 256) << "also where nothing had to be prepared";
  NewJob asked = JobOn(dataset);
  asked.spec.batch_tokens = 2048;
  EXPECT_EQ(Submit(asked).spec.batch_tokens, 2048);
  NewJob reference = JobOn(dataset);
  reference.spec.compute.engine = EngineKind::kReference;
  EXPECT_EQ(Submit(reference).spec.batch_tokens, kDefaultBatchTokens) << "workers speak of the fast engine";
}

TEST_P(JobStoreContract, AModelThatIsNotHashedYetIsRememberedAsItsWorkerDescribesIt) {
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", "", Digest('t'))}), IsOk());
  const Job job = SubmitSamples(5);
  Prepare(session, job.id);
  EXPECT_EQ(Get(job.id).model.family, "gpt2");
}

TEST_P(JobStoreContract, TokenCountsServeModelsOfTheSameTokenizer) {
  const std::string dataset = Dataset(5);
  const SessionRef session = OpenSession("w");
  CatalogueEntry shorter = Entry("shorter", Digest('s'), Digest('t'));
  shorter.positions = 32;
  ASSERT_THAT(store().PutCatalogue(
                  "w", {Entry("gpt2", Digest('m'), Digest('t')), shorter, Entry("sister", Digest('n'), Digest('t')),
                        Entry("stranger", Digest('o'), Digest('u'))}),
              IsOk());
  Finish(session, Submit(JobOn(dataset)).id);
  const auto submit = [&](const std::string& model) {
    NewJob job = JobOn(dataset);
    job.spec.model = model;
    return Submit(job);
  };
  EXPECT_TRUE(submit("sister").prepared);
  EXPECT_EQ(submit("sister").spec.model_digest, Digest('n'));
  EXPECT_FALSE(submit("shorter").prepared);
  EXPECT_FALSE(submit("stranger").prepared);
  EXPECT_FALSE(submit("unheard of").prepared);
}

TEST_P(JobStoreContract, TokenCountsAreOnlyReusedUnderTheSameOptionsAndAKnownDigest) {
  const std::string dataset = Dataset(5);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", Digest('m'), Digest('t'))}), IsOk());
  Finish(session, Submit(JobOn(dataset)).id);
  NewJob job = JobOn(dataset);
  job.spec.compute.append_eos = false;
  EXPECT_FALSE(Submit(job).prepared);
  job = JobOn(dataset);
  job.spec.compute.max_tokens = 9;
  EXPECT_FALSE(Submit(job).prepared);
  job = JobOn(dataset);
  job.spec.model_digest = Digest('x');
  EXPECT_FALSE(Submit(job).prepared);
  EXPECT_FALSE(Submit(JobOn(Dataset(5))).prepared);
  // Two workers that have different content under the name: neither is taken.
  OpenSession("v");
  ASSERT_THAT(store().PutCatalogue("v", {Entry("gpt2", Digest('y'), Digest('t'))}), IsOk());
  EXPECT_FALSE(Submit(JobOn(dataset)).prepared);
}

TEST_P(JobStoreContract, KnownInvalidSamplesFailASecondJobAtOnce) {
  const std::string dataset = Dataset(2);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", Digest('m'), Digest('t'))}), IsOk());
  const Job first = Submit(JobOn(dataset));
  ASSERT_THAT(store().CompletePrepare(KeyOf(session, ClaimOf(session, first.id)), Digest('m'), {{0, 5, 2}},
                                      {{1, "b", "TOO_LONG", "why"}}),
              IsOk());
  const Job second = Submit(JobOn(dataset));
  EXPECT_EQ(second.state, JobState::kFailed);
  EXPECT_EQ(second.failure->reason, "INVALID_SAMPLES");
  EXPECT_EQ(store().ListInvalidSamples(second.id, {})->items.at(0).id, "b");
}

TEST_P(JobStoreContract, WhatABuildCouldNotTokeniseIsNotRemembered) {
  const std::string dataset = Dataset(1);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", Digest('m'), "")}), IsOk());
  const Job first = Submit(JobOn(dataset));
  ASSERT_THAT(store().CompletePrepare(KeyOf(session, ClaimOf(session, first.id)), Digest('m'), {},
                                      {{0, "a", "NO_TOKENIZER", "why"}}),
              IsOk());
  EXPECT_EQ(Submit(JobOn(dataset)).state, JobState::kQueued);
}

}  // namespace
}  // namespace headscope::server
