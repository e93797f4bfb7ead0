#include "client/headscope/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/error.h"
#include "tests/client/demo_messages.h"
#include "tests/client/fake_server.h"
#include "tests/client/safetensors_writer.h"

namespace headscope::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using tests::DemoJob;
using tests::DemoModel;
using tests::DemoPattern;
using tests::FakeServer;
using tests::ProgressEvent;
using tests::Snapshot;

// Delays short enough for a test to wait through.
ClientOptions QuickOptions() {
  ClientOptions options;
  options.initial_backoff = absl::Milliseconds(1);
  options.max_backoff = absl::Milliseconds(4);
  return options;
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() : client_(*Client::Connect(server_.address(), QuickOptions())) {}

  tests::FakeState& state() { return server_.state(); }

  FakeServer server_;
  std::unique_ptr<Client> client_;
};

TEST(ClientConnectTest, FailsAtOnceWhereNobodyListens) {
  const std::string address = tests::DeadAddress();

  const auto client = Client::Connect(address);

  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(address));
}

TEST_F(ClientTest, ListsModelsOfAllPages) {
  for (const char* name : {"models/a", "models/b", "models/c"}) {
    state().models.push_back(DemoModel());
    state().models.back().set_name(name);
  }

  const auto models = client_->ListModels();

  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_THAT(*models, SizeIs(3));
  EXPECT_EQ((*models)[2].name, "c");
}

TEST_F(ClientTest, HandsErrorsOverWithTheirReason) {
  const auto model = client_->GetModel("nosuch");

  EXPECT_EQ(model.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(model.status()), "MODEL_NOT_FOUND");
}

TEST_F(ClientTest, JoinsTheMessagesOfTokenize) {
  const auto tokens = client_->Tokenize({"demo", "ab", "c", {}});

  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_THAT(tokens->ids, ElementsAre('a', 'b', 'c'));
  EXPECT_THAT(tokens->tokens, ElementsAre("a", "b", "c"));
  EXPECT_EQ(tokens->text, "abc");
  EXPECT_EQ(tokens->prompt_tokens, 2);
}

TEST_F(ClientTest, UploadsSamplesInOrderAndNamesTheNameless) {
  SampleVector samples({{"x", PlainText{"one"}}, {"", PlainText{"two"}}});

  const auto dataset = client_->UploadDataset(samples, "rows.jsonl");

  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->sample_count, 2);
  EXPECT_EQ(state().display_name, "rows.jsonl");
  EXPECT_THAT(state().samples, ElementsAre(Sample{"x", PlainText{"one"}}, Sample{"2", PlainText{"two"}}));
}

TEST_F(ClientTest, UploadsMoreThanOneMessageHolds) {
  std::vector<Sample> many;
  for (int i = 0; i < 12; ++i) many.push_back({std::to_string(i), PlainText{std::string(900'000, 'x')}});
  SampleVector samples(many);

  const auto dataset = client_->UploadDataset(samples, "");

  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(state().samples, many);
}

TEST_F(ClientTest, RepeatsABrokenUploadFromTheFirstSample) {
  state().upload_breaks = 2;
  SampleVector samples({{"x", PlainText{"one"}}});

  const auto dataset = client_->UploadDataset(samples, "");

  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_THAT(state().samples, SizeIs(1));
}

TEST_F(ClientTest, NoticesWhenTheServerStoredSomethingElse) {
  state().stores_other_digest = true;
  SampleVector samples({{"x", PlainText{"one"}}});

  EXPECT_EQ(client_->UploadDataset(samples, "").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, RetriesASubmissionWithTheSameRequestId) {
  state().job = DemoJob(v1::Job::QUEUED);
  state().submit_breaks = 2;

  const auto job = client_->SubmitJob({});

  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_THAT(state().submitted, SizeIs(3));
  EXPECT_FALSE(state().submitted[0].request_id().empty());
  EXPECT_EQ(state().submitted[0].request_id(), state().submitted[2].request_id());
}

TEST_F(ClientTest, DrawsANewRequestIdForEveryCall) {
  state().job = DemoJob(v1::Job::QUEUED);

  ASSERT_TRUE(client_->SubmitJob({}).ok());
  ASSERT_TRUE(client_->SubmitJob({}).ok());

  EXPECT_NE(state().submitted[0].request_id(), state().submitted[1].request_id());
}

TEST_F(ClientTest, SendsEveryOptionOfAJob) {
  state().job = DemoJob(v1::Job::QUEUED);
  JobRequest request;
  request.spec.compute = {"gradient", Engine::kReference, DType::kFloat64, false, 100, OnInvalid::kSkip, true};
  request.spec.reduction = {LossScale::kBatchTokenMean, 8, Absolute::kNone, Positions::kResponse, LayerNorm::kL2,
                            HeadAxis::kKvGroup};
  request.spec.execution = {5, 2048, absl::Seconds(1.5), 3};

  const auto job = client_->SubmitJob(request);

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->spec.compute, request.spec.compute);
  EXPECT_EQ(job->spec.reduction, request.spec.reduction);
  EXPECT_EQ(job->spec.execution, request.spec.execution);
}

TEST_F(ClientTest, RefusesAMethodItCannotNameOnTheWire) {
  JobRequest request;
  request.spec.compute.method = "guess";

  EXPECT_EQ(client_->SubmitJob(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientTest, WatchEndsWithTheJob) {
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches = {
      {{Snapshot(1, DemoJob(v1::Job::RUNNING)), ProgressEvent(2, 1, 10), Snapshot(3, DemoJob(v1::Job::SUCCEEDED))}}};
  std::vector<std::uint64_t> seen;

  const auto job = client_->WatchJob("j-1", [&](const JobUpdate& update) { seen.push_back(update.sequence); });

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state, JobState::kSucceeded);
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST_F(ClientTest, WatchResumesAfterTheLastSequenceSeen) {
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches = {{{Snapshot(1, state().job), ProgressEvent(7, 1, 10)}, /*breaks=*/true},
                     {{}, /*breaks=*/true},
                     {{Snapshot(8, DemoJob(v1::Job::SUCCEEDED))}}};
  int retries = 0;
  LongCall hooks;
  hooks.on_retry = [&](const absl::Status&, absl::Duration) { ++retries; };

  const auto job = client_->WatchJob("jobs/j-1", {}, hooks);

  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_THAT(state().watched, SizeIs(testing::Ge(3)));
  EXPECT_FALSE(state().watched.front().has_after_sequence());
  EXPECT_EQ(state().watched.back().after_sequence(), 7);
  EXPECT_GE(retries, 1);
}

TEST_F(ClientTest, WatchStopsWhenTheCallerDoesNotGoOn) {
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches = {{{Snapshot(1, state().job)}, false, /*hangs=*/true}};
  bool seen = false;
  LongCall hooks;
  hooks.keep_going = [&] { return !seen; };

  const auto job = client_->WatchJob(
      "j-1", [&](const JobUpdate&) { seen = true; }, hooks);

  EXPECT_EQ(job.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ClientTest, WatchGivesUpWhenNothingArrivesForLong) {
  ClientOptions options = QuickOptions();
  options.give_up_after = absl::ZeroDuration();
  const auto client = Client::Connect(server_.address(), options);
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches.assign(8, {{}, /*breaks=*/true});

  EXPECT_EQ((*client)->WatchJob("j-1", {}).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ClientTest, WatchWaitsForRoomAndLooksAtTheJobMeanwhile) {
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches.resize(2);
  state().watches[0].crowded = true;
  state().watches[1].crowded = true;
  int snapshots = 0;

  const auto job = client_->WatchJob("j-1", [&](const JobUpdate& update) {
    if (!update.snapshot) return;
    if (++snapshots == 2) state().job = DemoJob(v1::Job::SUCCEEDED);
  });

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state, JobState::kSucceeded);
  EXPECT_THAT(state().watched, SizeIs(3));
}

TEST_F(ClientTest, WatchWithoutRoomSeesTheEndOfTheJob) {
  state().job = DemoJob(v1::Job::SUCCEEDED);
  state().watches.resize(1);
  state().watches[0].crowded = true;

  const auto job = client_->WatchJob("j-1", nullptr);

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_THAT(state().watched, SizeIs(1));
}

TEST_F(ClientTest, TokenizeStopsWhenTheCallerDoesNotGoOn) {
  state().tokenize_hangs = true;
  LongCall hooks;
  hooks.keep_going = [asked = 0]() mutable { return ++asked < 3; };

  EXPECT_EQ(client_->Tokenize({"demo", "ab", {}, {}}, hooks).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ClientTest, WatchOfAnUnknownJobIsNotRetried) {
  EXPECT_EQ(client_->WatchJob("j-2", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ClientTest, ReadsAResultOverBrokenStreams) {
  state().result = tests::WriteSafetensors(tests::TwoSamples());
  state().result_breaks = 2;

  const auto scores = client_->ReadScores("j-1");

  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT(scores->ids, ElementsAre("a", "b"));
  EXPECT_THAT(state().result_offsets, ElementsAre(0, 128, 256));
}

TEST_F(ClientTest, AsksAgainForADamagedChunk) {
  state().result = tests::WriteSafetensors(tests::TwoSamples());
  state().bad_checksums = 1;

  ASSERT_TRUE(client_->ReadScores("j-1").ok());
  EXPECT_THAT(state().result_offsets, ElementsAre(0, 64));
}

TEST_F(ClientTest, GivesUpOnAResultThatIsDamagedAgainAndAgain) {
  state().result = tests::WriteSafetensors(tests::TwoSamples());
  state().bad_checksums = 100;

  EXPECT_EQ(client_->ReadScores("j-1").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, NoticesAResultWithAnotherDigest) {
  state().result = tests::WriteSafetensors(tests::TwoSamples());
  state().wrong_digest = true;

  EXPECT_EQ(client_->ReadScores("j-1").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, ErrorsOfTheSinkEndTheReading) {
  state().result = tests::WriteSafetensors(tests::TwoSamples());

  const absl::Status status =
      client_->ReadResult("j-1", [](std::string_view) { return absl::ResourceExhaustedError("disk full"); });

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ClientTest, ReadsPatternsWithAndWithoutReduction) {
  state().pattern = DemoPattern();
  ReductionOptions reduction;
  reduction.absolute = Absolute::kNone;

  const auto plain = client_->GetPattern("p-1", std::nullopt);
  const auto reduced = client_->GetPattern("patterns/p-1", reduction);

  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_THAT(plain->values.values, ElementsAre(0.5, 0.25));
  EXPECT_THAT(plain->standard_error->values, ElementsAre(0.1, 0.2));
  EXPECT_FALSE(state().patterns_asked[0].has_reduction());
  ASSERT_TRUE(reduced.ok()) << reduced.status();
  EXPECT_EQ(reduced->reduction, reduction);
}

TEST_F(ClientTest, RefusesAPatternWhoseMatricesDoNotFit) {
  state().pattern = DemoPattern();
  state().pattern.mutable_values()->mutable_data()->pop_back();

  EXPECT_EQ(client_->GetPattern("p-1", std::nullopt).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, ListsInvalidSamplesOfAllPages) {
  for (std::uint32_t i = 0; i < 5; ++i) {
    state().invalid.emplace_back();
    state().invalid.back().set_index(i);
  }

  const auto samples = client_->ListInvalidSamples("j-1");

  ASSERT_TRUE(samples.ok()) << samples.status();
  ASSERT_THAT(*samples, SizeIs(5));
  EXPECT_EQ(samples->back().index, 4);
}

TEST_F(ClientTest, TellsTheHealthOfTheServer) {
  server_.SetServing(true);
  EXPECT_EQ(*client_->Health(""), "SERVING");
  server_.SetServing(false);
  EXPECT_EQ(*client_->Health(""), "NOT_SERVING");
  EXPECT_EQ(client_->Health("nosuch").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace headscope::client
