// The service's pure parts: names, catalogue, intake of samples, buffers, hashes, estimates, splitting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"
#include "server/service/job_view.h"
#include "server/service/model_catalogue.h"
#include "server/service/page_token.h"
#include "server/service/request_hash.h"
#include "server/service/resource_names.h"
#include "server/service/sample_intake.h"
#include "server/service/tokenize_stream.h"
#include "server/service/watch_buffer.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ResourceNamesTest, AreTakenWithAndWithoutTheirCollection) {
  Violations violations;
  EXPECT_EQ(ParseJobName("jobs/j-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParseJobName("j-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParsePatternName("patterns/p-0abc", "name", violations), "j-0abc");
  EXPECT_EQ(ParseModelName("models/a/b", "name", violations), "a/b");
  EXPECT_EQ(ParseModelName("a/b c.d", "name", violations), "a/b c.d");
  EXPECT_TRUE(violations.empty()) << violations.status();
  EXPECT_EQ(PatternName("j-0abc"), "patterns/p-0abc");
}

TEST(ResourceNamesTest, OtherResourcesAreRefused) {
  for (const char* name : {"", "jobs/", "jobs/p-1", "patterns/j-1", "jobs/jobs/j-1", "jobs/j-", "jobs/j-A", "j-1/x"}) {
    Violations violations;
    ParseJobName(name, "name", violations);
    EXPECT_FALSE(violations.empty()) << name;
  }
  Violations violations;
  ParsePatternName("jobs/j-1", "name", violations);
  EXPECT_FALSE(violations.empty());
}

CatalogueEntry Entry(const std::string& model, char digest, const std::string& unsupported = "") {
  CatalogueEntry entry;
  entry.model = model;
  entry.digest = digest == 0 ? "" : std::string(32, digest);
  entry.unsupported = unsupported;
  return entry;
}

TEST(ModelCatalogueTest, UnknownModelNamesTheNearest) {
  const CatalogueRows rows = {{"w", Entry("llama/tiny", 'a')},
                              {"w", Entry("gpt2", 'b')},
                              {"w", Entry("zzzzzz", 'c')},
                              {"w", Entry("llama/tini", 'd')}};
  const absl::Status status = ResolveModel(rows, "llama/tinY", "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("near names: llama/tini, llama/tiny"));
}

TEST(ModelCatalogueTest, TheOneDigestOnWhichWorkersAgreeIsTaken) {
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 'a')}, {"w", Entry("m", 'a')}}, "m", ""), std::string(32, 'a'));
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 'a')}, {"w", Entry("m", 'b')}}, "m", ""), "");
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 0)}}, "m", ""), "");
}

TEST(ModelCatalogueTest, WantedDigestMustBeKnownOrStillPossible) {
  const CatalogueRows rows = {{"v", Entry("m", 'a')}, {"w", Entry("m", 'b')}};
  EXPECT_EQ(*ResolveModel(rows, "m", std::string(32, 'b')), std::string(32, 'b'));
  EXPECT_EQ(ReasonOf(ResolveModel(rows, "m", std::string(32, 'c')).status()), "MODEL_CHANGED");
  EXPECT_EQ(*ResolveModel({{"v", Entry("m", 0)}}, "m", std::string(32, 'c')), std::string(32, 'c'));
}

TEST(ModelCatalogueTest, UnsupportedEverywhereIsRefusedSayingWhy) {
  const absl::Status status = ResolveModel({{"v", Entry("m", 'a', "mixtures of experts")}}, "m", "").status();
  EXPECT_EQ(ReasonOf(status), "MODEL_UNSUPPORTED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("mixtures of experts"));
  EXPECT_TRUE(ResolveModel({{"v", Entry("m", 'a', "no")}, {"w", Entry("m", 'a')}}, "m", "").ok());
}

TEST(ModelCatalogueTest, MergesByNameAndPrefersConnectedWorkers) {
  WorkerView worker;
  worker.worker_id = "w";
  worker.models = {"m"};
  worker.resident_models = {"m"};
  const auto models =
      MergeCatalogue({{"v", Entry("m", 'a')}, {"w", Entry("m", 'b')}, {"v", Entry("a", 'c')}}, {worker});
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].entry.model, "a");
  EXPECT_THAT(models[0].workers, ElementsAre());
  EXPECT_EQ(models[1].entry.digest, std::string(32, 'b'));
  EXPECT_THAT(models[1].workers, ElementsAre("w"));
  EXPECT_THAT(models[1].resident_workers, ElementsAre("w"));
}

TEST(ModelCatalogueTest, TokenizerIsNeededAndSupported) {
  CatalogueEntry entry = Entry("m", 'a');
  EXPECT_EQ(ReasonOf(CheckTokenizer({{"w", entry}}, "m")), "NO_TOKENIZER");
  entry.has_tokenizer = true;
  EXPECT_TRUE(CheckTokenizer({{"w", entry}}, "m").ok());
  entry.tokenizer_unsupported = "Unigram";
  EXPECT_EQ(ReasonOf(CheckTokenizer({{"w", entry}}, "m")), "TOKENIZER_UNSUPPORTED");
}

v1::Sample Pair(const std::string& id, const std::string& response) {
  v1::Sample sample;
  sample.set_id(id);
  sample.mutable_input()->mutable_pair()->set_prompt("p");
  sample.mutable_input()->mutable_pair()->set_response(response);
  return sample;
}

TEST(SampleIntakeTest, RecordsAreTheCanonicalEncoding) {
  v1::SampleBatch batch;
  *batch.add_samples() = Pair("a", "x");
  *batch.add_samples() = Pair("", "y");
  SampleIntake intake("samples");
  Violations violations;
  std::string records, expected;
  ASSERT_TRUE(intake.Add(batch, violations, records).ok());
  AppendSampleRecord({"a", TextPair{"p", "x"}}, expected);
  AppendSampleRecord({"2", TextPair{"p", "y"}}, expected);
  EXPECT_EQ(records, expected);
  EXPECT_EQ(intake.sample_count(), 2u);
  EXPECT_EQ(intake.size_bytes(), expected.size());
  EXPECT_EQ(intake.FinishDigest(), Sha256Of(expected));
}

TEST(SampleIntakeTest, EveryBadSampleIsNamedOverAllBatches) {
  v1::SampleBatch first, second;
  *first.add_samples() = Pair("a", "x");
  *first.add_samples() = Pair("b", "");
  *second.add_samples() = Pair("a", "x");
  second.add_samples()->set_id("c");
  second.add_samples()->mutable_input()->set_text("text");
  v1::TokenIds& tokens = *second.add_samples()->mutable_input()->mutable_tokens();
  tokens.add_ids(1);
  tokens.add_ids(2);
  tokens.set_prompt_tokens(2);
  SampleIntake intake("samples");
  Violations violations;
  std::string records;
  ASSERT_TRUE(intake.Add(first, violations, records).ok());
  EXPECT_TRUE(records.empty());
  ASSERT_TRUE(intake.Add(second, violations, records).ok());
  std::vector<std::string> fields;
  for (const auto& violation : DetailsOf(violations.status()).violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("samples[1].response", "samples[2].id", "samples[3].input", "samples[4].input",
                                  "samples[5].prompt_tokens", "samples[5].input"));
}

TEST(SampleIntakeTest, GivenIdMayNotBeTheNumberThatAnotherGets) {
  v1::SampleBatch batch;
  *batch.add_samples() = Pair("2", "x");
  *batch.add_samples() = Pair("", "y");
  SampleIntake intake("samples");
  Violations violations;
  std::string records;
  ASSERT_TRUE(intake.Add(batch, violations, records).ok());
  EXPECT_EQ(DetailsOf(violations.status()).violations.at(0).field, "samples[1].id");
}

TEST(SampleIntakeTest, OversizedBatchAndEmptyDatasetAreRefused) {
  v1::SampleBatch batch;
  *batch.add_samples() = Pair("a", std::string(kMaxBlockBytes, 'x'));
  SampleIntake intake("samples");
  Violations violations, empty;
  std::string records;
  ASSERT_TRUE(intake.Add(batch, violations, records).ok());
  EXPECT_FALSE(violations.empty());
  SampleIntake("samples").CheckWhole(empty);
  EXPECT_FALSE(empty.empty());
}

JobEvent Event(std::uint64_t sequence, std::variant<JobChanged, LiveProgress, Attempt> event) {
  return {sequence, absl::FromUnixSeconds(1), std::move(event)};
}

std::vector<std::uint64_t> Drain(WatchBuffer& buffer) {
  std::vector<std::uint64_t> sequences;
  while (const auto event = buffer.Pop()) sequences.push_back(event->sequence);
  return sequences;
}

TEST(WatchBufferTest, OfProgressAndChangesOnlyTheNewestWait) {
  WatchBuffer buffer;
  buffer.Push(Event(1, LiveProgress{1, 1}));
  buffer.Push(Event(2, JobChanged{}));
  buffer.Push(Event(3, Attempt{}));
  buffer.Push(Event(4, LiveProgress{2, 2}));
  buffer.Push(Event(5, Attempt{}));
  buffer.Push(Event(6, JobChanged{true}));
  EXPECT_THAT(Drain(buffer), ElementsAre(3, 4, 5, 6));
}

TEST(WatchBufferTest, OverflowLeavesOneChangeForAllThatIsLost) {
  WatchBuffer buffer;
  for (int i = 1; i <= 65; ++i) buffer.Push(Event(i, Attempt{}));
  const auto event = buffer.Pop();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->sequence, 65u);
  EXPECT_TRUE(std::holds_alternative<JobChanged>(event->event));
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(WatchBufferTest, StartingOverIsNotOlderThanWhatWaited) {
  WatchBuffer buffer;
  buffer.Push(Event(9, Attempt{}));
  buffer.StartOver(7, absl::FromUnixSeconds(1));
  EXPECT_THAT(Drain(buffer), ElementsAre(9));
}

TEST(RequestHashTest, EveryFieldCounts) {
  JobSpec base;
  base.model = "m";
  std::vector<JobSpec> specs(14, base);
  specs[1].model = "n";
  specs[2].model_digest = std::string(32, 'a');
  specs[3].dataset = "d";
  specs[4].compute.dtype = DType::kFloat64;
  specs[5].compute.append_eos = false;
  specs[6].compute.max_tokens = 0;
  specs[7].compute.on_invalid = OnInvalid::kSkip;
  specs[8].reduction.script_batch = 5;
  specs[9].priority = 1;
  specs[10].batch_tokens = 0;
  specs[11].queue_ttl = absl::Seconds(1);
  specs[12].max_attempts = 6;
  specs[13].labels["a"] = "b";
  std::set<std::string> hashes;
  for (const JobSpec& spec : specs) hashes.insert(RequestHash(spec));
  EXPECT_EQ(hashes.size(), specs.size());
  EXPECT_EQ(RequestHash(base), RequestHash(specs[0]));
}

Job RunningJob() {
  Job job;
  job.state = JobState::kRunning;
  job.prepared = true;
  job.start_time = absl::FromUnixSeconds(100);
  job.counts.tokens_total = 1000;
  return job;
}

TEST(EstimateRemainingTest, FollowsTheRateSinceTheStart) {
  EXPECT_EQ(EstimateRemaining(RunningJob(), {5, 250}, absl::FromUnixSeconds(110)), absl::Seconds(30));
  EXPECT_EQ(EstimateRemaining(RunningJob(), {5, 2000}, absl::FromUnixSeconds(110)), absl::ZeroDuration());
}

TEST(EstimateRemainingTest, SaysNothingWithoutARate) {
  EXPECT_FALSE(EstimateRemaining(RunningJob(), {0, 0}, absl::FromUnixSeconds(110)).has_value());
  Job queued = RunningJob();
  queued.state = JobState::kQueued;
  EXPECT_FALSE(EstimateRemaining(queued, {5, 250}, absl::FromUnixSeconds(110)).has_value());
  Job preparing = RunningJob();
  preparing.prepared = false;
  EXPECT_FALSE(EstimateRemaining(preparing, {5, 250}, absl::FromUnixSeconds(110)).has_value());
}

TEST(PageTokenTest, RoundTripsAndRefusesOthers) {
  EXPECT_EQ(*LastOfPageToken(PageTokenAfter("a/b")), "a/b");
  EXPECT_EQ(*LastOfPageToken(""), "");
  EXPECT_EQ(ReasonOf(LastOfPageToken("nonsense").status()), "BAD_PAGE_TOKEN");
}

TEST(SplitAnswerTest, PiecesAreBoundedAndTogetherTheWhole) {
  TokenizeAnswer answer;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    answer.ids.push_back(i);
    answer.tokens.push_back("token" + std::to_string(i));
  }
  for (int i = 0; i < 700'000; ++i) answer.text += "é";
  answer.prompt_tokens = 12;
  const auto messages = SplitAnswer(answer);
  EXPECT_GT(messages.size(), 2u);
  TokenizeAnswer joined;
  for (const auto& message : messages) {
    EXPECT_LE(message.ByteSizeLong(), kMaxBlockBytes);
    // Unset in all but the first; parsing checks UTF-8.
    EXPECT_EQ(message.has_prompt_tokens(), &message == &messages.front());
    v1::TokenizeResponse parsed;
    EXPECT_TRUE(parsed.ParseFromString(message.SerializeAsString()));
    joined.ids.insert(joined.ids.end(), message.ids().begin(), message.ids().end());
    joined.tokens.insert(joined.tokens.end(), message.tokens().begin(), message.tokens().end());
    joined.text += message.text();
  }
  EXPECT_EQ(joined.ids, answer.ids);
  EXPECT_EQ(joined.tokens, answer.tokens);
  EXPECT_EQ(joined.text, answer.text);
}

TEST(SplitAnswerTest, EmptyAnswerIsOneMessage) { EXPECT_EQ(SplitAnswer({}).size(), 1u); }

}  // namespace
}  // namespace headscope::server
