#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/client/cli/cli_fixture.h"
#include "tests/client/safetensors_writer.h"

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using tests::DemoJob;
using tests::Snapshot;

class CommandsTest : public CliTest {};

TEST_F(CommandsTest, ModelsAreListed) {
  state().models = {tests::DemoModel()};

  const auto models = Cli({"models", "--format", "json"}).Json()["models"];

  ASSERT_THAT(models, SizeIs(1));
  EXPECT_EQ(models[0]["name"], "demo");
  EXPECT_EQ(models[0]["digest"].get<std::string>().substr(0, 7), "sha256:");
  EXPECT_TRUE(models[0]["unsupported"].is_null());
  EXPECT_THAT(Cli({"models"}).out, HasSubstr("demo"));
  EXPECT_THAT(Cli({"models", "--format", "csv"}).out, HasSubstr("\ndemo,llama,1,2,2,"));
}

TEST_F(CommandsTest, OfAModelThatIsNotSupportedOnlyWhatIsKnownIsShown) {
  v1::Model model;
  model.set_name("models/demo");
  model.set_unsupported("architecture X is not supported");
  state().models = {model};
  const std::string table = Cli({"model", "demo"}).out;
  EXPECT_THAT(table, HasSubstr("architecture X is not supported"));
  EXPECT_THAT(table, Not(HasSubstr("layers")));
  EXPECT_THAT(table, Not(HasSubstr(" 0")));
}

// A Gemma-like adapter: two kinds of layers.
v1::Model DetailedModel() {
  v1::Model model = tests::DemoModel();
  v1::ModelDetails& details = *model.mutable_details();
  details.set_width(640);
  details.set_bytes_per_token(3 * 1024);
  details.set_float32_arithmetic(v1::DTYPE_FLOAT64);
  v1::StoredParameters& stored = *details.add_stored();
  stored.set_dtype("BF16");
  stored.set_parameters(1000);
  v1::AttentionGroup& sliding = *details.add_attention();
  for (const std::uint32_t layer : {0, 1, 2, 4}) sliding.add_layers(layer);
  sliding.set_window(512);
  sliding.mutable_rope()->set_kind("default");
  sliding.mutable_rope()->set_dimensions(64);
  v1::AttentionGroup& full = *details.add_attention();
  full.add_layers(3);
  full.mutable_rope()->set_kind("linear");
  full.mutable_rope()->set_dimensions(64);
  v1::NamedNumber& factor = *full.mutable_rope()->add_numbers();
  factor.set_name("factor");
  factor.set_value(8);
  details.mutable_tokenizer()->set_model("BPE");
  v1::Adapter& adapter = *details.mutable_adapter();
  adapter.set_base("models/gemma");
  adapter.set_rank(16);
  adapter.set_alpha(32);
  adapter.add_targets("q_proj");
  details.add_notes("lm_head.weight is there but not read");
  return model;
}

TEST_F(CommandsTest, AModelsDetailsAreShownForPeople) {
  state().models = {DetailedModel()};
  // However wide the first column is.
  const std::string table = std::regex_replace(Cli({"model", "demo"}).out, std::regex(" {2,}"), "  ");
  for (const char* line :
       {"layers 0-2, 4  window 512, rope default (64 columns)",
        "layers 3  all earlier keys, rope linear (64 columns, factor 8)", "memory per token  3.0 KiB (3072 bytes)",
        "float32 computed in  float64", "parameters in BF16  1000", "adapter of  gemma", "adapter rank  16",
        "adapter targets  q_proj", "tokenizer model  BPE", "normalizer  none",
        "note  lm_head.weight is there but not read"}) {
    EXPECT_THAT(table, HasSubstr(line));
  }
  const std::string csv = Cli({"model", "demo", "--format", "csv"}).out;
  EXPECT_THAT(csv, HasSubstr("\nadapter of,gemma\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"layers 0-2, 4\",\"window 512, rope default (64 columns)\"\n"));
}

TEST_F(CommandsTest, AModelsDetailsAreShownForPrograms) {
  state().models = {DetailedModel()};
  const nlohmann::json model = Cli({"model", "demo", "--format", "json"}).Json();
  EXPECT_EQ(model["width"], 640);
  EXPECT_EQ(model["stored_parameters"]["BF16"], 1000);
  EXPECT_EQ(model["bytes_per_token"], 3072);
  EXPECT_EQ(model["float32_arithmetic"], "float64");
  EXPECT_EQ(model["attention"][0]["layers"], nlohmann::json({0, 1, 2, 4}));
  EXPECT_EQ(model["attention"][0]["window"], 512);
  EXPECT_TRUE(model["attention"][1]["window"].is_null());
  EXPECT_EQ(model["attention"][1]["rope"]["kind"], "linear");
  EXPECT_EQ(model["attention"][1]["rope"]["factor"], 8);
  EXPECT_EQ(model["tokenizer"]["model"], "BPE");
  EXPECT_TRUE(model["tokenizer"]["normalizer"].is_null());
  EXPECT_EQ(model["adapter"]["base"], "gemma");
  EXPECT_EQ(model["adapter"]["alpha"], 32);
  EXPECT_EQ(model["notes"].size(), 1u);
}

TEST_F(CommandsTest, AModelIsShownWithOrWithoutPrefix) {
  state().models = {tests::DemoModel()};

  EXPECT_EQ(Cli({"--format", "json", "model", "demo"}).Json()["layers"], 1);
  EXPECT_EQ(Cli({"--format", "json", "model", "models/demo"}).Json()["heads"], 2);
  EXPECT_EQ(Cli({"model", "nosuch"}).exit_status, 4);
}

TEST_F(CommandsTest, TokenizePrintsIdsTokensTextAndTheBoundary) {
  const auto json = Cli({"--format", "json", "tokenize", "demo", "ab", "--response", "c"}).Json();

  EXPECT_EQ(json, nlohmann::json::parse(R"({"ids": [97, 98, 99], "tokens": ["a", "b", "c"], "text": "abc",
                                            "prompt_tokens": 2})"));
}

TEST_F(CommandsTest, TokenizeReadsStandardInputAsItIs) {
  input_ = "a\n";

  EXPECT_EQ(Cli({"--format", "json", "tokenize", "demo", "-"}).Json()["ids"], nlohmann::json::parse("[97, 10]"));
}

TEST_F(CommandsTest, JobsAreListedWithTheirFilter) {
  state().job = DemoJob(v1::Job::RUNNING);

  const CliRun run = Cli({"--format", "json", "jobs", "--state", "running", "--model", "demo", "--label", "task=copy"});

  ASSERT_THAT(run.Json()["jobs"], SizeIs(1));
  EXPECT_EQ(run.Json()["jobs"][0]["job"], "j-1");
  ASSERT_THAT(state().listed, SizeIs(1));
  EXPECT_THAT(state().listed[0].states(), ElementsAre(v1::Job::RUNNING));
  EXPECT_EQ(state().listed[0].model(), "demo");
  EXPECT_EQ(state().listed[0].labels().at("task"), "copy");
}

TEST_F(CommandsTest, AJobIsShownWithItsProgress) {
  state().job = DemoJob(v1::Job::SUCCEEDED);

  const auto json = Cli({"--format", "json", "job", "jobs/j-1"}).Json();

  EXPECT_EQ(json["id"], "j-1");
  EXPECT_EQ(json["state"], "SUCCEEDED");
  EXPECT_EQ(json["samples_done"], 2);
  EXPECT_EQ(json["samples_total"], 2);
  EXPECT_EQ(json["pattern"], "p-1");
  EXPECT_EQ(json["model"]["name"], "demo");
  EXPECT_EQ(Cli({"job", "j-2"}).exit_status, 4);
  EXPECT_THAT(Cli({"job", "j-1"}).out, HasSubstr("SUCCEEDED"));
}

TEST_F(CommandsTest, RetryPrintsTheIdWhenItIsNotToBeFollowed) {
  state().job = DemoJob(v1::Job::FAILED);
  EXPECT_EQ(Cli({"retry", "jobs/j-1", "--detach"}).out, "j-1\n");
  EXPECT_EQ(Cli({"retry", "j-2"}).exit_status, 4);
  state().job = DemoJob(v1::Job::SUCCEEDED);
  const CliRun refused = Cli({"retry", "j-1", "--detach"});
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.err, HasSubstr("has SUCCEEDED"));
}

TEST_F(CommandsTest, CancelPrintsTheJob) {
  state().job = DemoJob(v1::Job::QUEUED);

  EXPECT_EQ(Cli({"cancel", "j-1"}).out, "j-1 CANCELLED\n");
  EXPECT_EQ(Cli({"--format", "json", "cancel", "j-1"}).Json()["state"], "CANCELLED");
  EXPECT_EQ(Cli({"cancel", "j-2"}).exit_status, 4);
}

TEST_F(CommandsTest, DeleteTakesJobsThatHaveEndedAndDatasets) {
  state().job = DemoJob(v1::Job::RUNNING);
  EXPECT_EQ(Cli({"delete", "j-1"}).exit_status, 2);
  state().job.set_state(v1::Job::FAILED);

  EXPECT_EQ(Cli({"delete", "jobs/j-1"}).out, "j-1\n");
  EXPECT_EQ(Cli({"--format", "json", "delete", std::string(64, 'a')}).Json()["deleted"], std::string(64, 'a'));
  EXPECT_EQ(Cli({"delete", "sha256:" + std::string(64, 'b')}).out, std::string(64, 'b') + "\n");
  EXPECT_THAT(state().deleted,
              ElementsAre("jobs/j-1", "datasets/" + std::string(64, 'a'), "datasets/" + std::string(64, 'b')));
}

TEST_F(CommandsTest, HealthIsAnExitStatus) {
  server_.SetServing(true);
  const CliRun healthy = Cli({"health"});
  server_.SetServing(false);
  const CliRun sick = Cli({"--format", "json", "health"});

  EXPECT_EQ(healthy.exit_status, 0);
  EXPECT_EQ(healthy.out, "SERVING\n");
  EXPECT_EQ(sick.exit_status, 1);
  EXPECT_EQ(sick.Json()["status"], "NOT_SERVING");
}

TEST_F(CommandsTest, WatchFollowsToTheEndAndExitsAsTheJobDid) {
  state().job = DemoJob(v1::Job::CANCELLED);
  state().watches = {{{Snapshot(1, DemoJob(v1::Job::RUNNING)), Snapshot(2, DemoJob(v1::Job::CANCELLED))}}};

  const CliRun run = Cli({"--format", "json", "watch", "j-1"});

  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(run.Json()["state"], "CANCELLED");
  EXPECT_THAT(run.err, HasSubstr("j-1  RUNNING  2/2 samples"));
}

TEST_F(CommandsTest, WatchResumesABrokenConnection) {
  state().job = DemoJob(v1::Job::SUCCEEDED);
  state().watches = {{{Snapshot(4, DemoJob(v1::Job::RUNNING))}, /*breaks=*/true}};

  const CliRun run = Cli({"watch", "j-1"});

  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.err, HasSubstr("the connection broke"));
  EXPECT_EQ(state().watched.back().after_sequence(), 4);
}

TEST_F(CommandsTest, WatchOfALostServerSaysHowToComeBack) {
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches.assign(1000, {{}, /*breaks=*/true});

  const CliRun run = Cli({"watch", "j-1"});

  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.err, HasSubstr("headscope watch j-1"));
}

TEST_F(CommandsTest, WatchThatCannotGoOnSaysHowToComeBackUnlessThereIsNoJob) {
  state().job = DemoJob(v1::Job::RUNNING);
  state().watches.resize(1);
  state().watches[0].refuses = true;

  const CliRun run = Cli({"watch", "j-1"});

  EXPECT_EQ(run.exit_status, 5);
  EXPECT_THAT(run.err, HasSubstr("headscope watch j-1"));
  EXPECT_THAT(Cli({"watch", "j-2"}).err, Not(HasSubstr("headscope watch j-2")));
}

TEST_F(CommandsTest, ModelDoesNotWaitForAWorker) {
  state().before_first_worker = 1000;
  give_up_after_ = absl::Hours(1);

  const CliRun run = Cli({"model", "demo"});

  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.err, HasSubstr("--local-workers 1"));
}

TEST_F(CommandsTest, ControlCEndsTokenizeAtOnce) {
  state().tokenize_hangs = true;
  interrupted_ = [] { return true; };

  const CliRun run = Cli({"tokenize", "demo", "text"});

  EXPECT_EQ(run.exit_status, 130);
}

TEST_F(CommandsTest, ResultOfAnUnfinishedJobIsNone) {
  state().job = DemoJob(v1::Job::RUNNING);

  const CliRun run = Cli({"result", "j-1"});

  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("job j-1 is RUNNING, 2/2 samples"));
}

TEST_F(CommandsTest, ResultChangesTheJobsReductionByTheFlagsGiven) {
  PrepareSuccess();
  v1::Reduction& own = *state().job.mutable_spec()->mutable_reduction();
  own.set_loss_scale(v1::LOSS_SCALE_BATCH_TOKEN_MEAN);
  own.set_script_batch(8);

  EXPECT_EQ(Cli({"result", "j-1"}).exit_status, 0);
  EXPECT_EQ(Cli({"--format", "json", "result", "j-1", "--positions", "prompt"}).Json()["options"]["script_batch"], 8);
  EXPECT_EQ(Cli({"result", "j-1", "--loss-scale", "sum"}).exit_status, 0);

  ASSERT_THAT(state().patterns_asked, SizeIs(3));
  EXPECT_FALSE(state().patterns_asked[0].has_reduction());
  EXPECT_EQ(state().patterns_asked[1].reduction().positions(), v1::POSITIONS_PROMPT);
  EXPECT_EQ(state().patterns_asked[1].reduction().loss_scale(), v1::LOSS_SCALE_BATCH_TOKEN_MEAN);
  EXPECT_FALSE(state().patterns_asked[2].reduction().has_script_batch());
}

TEST_F(CommandsTest, ResultWithTokensPrintsThemWithTheSamples) {
  PrepareSuccess();
  state().job.mutable_spec()->mutable_compute()->set_record_tokens(true);
  std::vector<tests::NamedTensor> tensors = tests::TwoSamples();
  for (const tests::NamedTensor& tensor : tests::TokensOfTwoSamples()) tensors.push_back(tensor);
  state().result = tests::WriteSafetensors(tensors);

  const CliRun run = Cli({"--format", "json", "result", "j-1", "--tokens"});

  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(run.Json()["samples"][0]["token_ids"], nlohmann::json::parse("[10, 11, 12, 13, 14]"));
  EXPECT_EQ(run.Json()["options"]["tokens"], true);
}

TEST_F(CommandsTest, ResultWithTokensOfAJobThatRecordedNoneSaysHowToGetThem) {
  PrepareSuccess();

  const CliRun run = Cli({"--format", "json", "result", "j-1", "--tokens"});

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("job j-1 recorded no tokens; score its samples again with `headscope attribute "
                                 "--tokens`"));
  EXPECT_EQ(Cli({"--format", "json", "result", "j-1", "--samples"}).exit_status, 0)
      << "without the flag it is no fault";
}

TEST_F(CommandsTest, AReductionThatTheServerRefusesIsARefusal) {
  PrepareSuccess();

  const CliRun run = Cli({"result", "j-1", "--head-axis", "kv", "--absolute", "per-token"});

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("  --absolute: the planes do not determine it\n"));
}

TEST_F(CommandsTest, DatasetsAreListed) {
  PrepareSuccess();
  ASSERT_EQ(Cli({"attribute", "--model", "demo", "--data", Rows(), "--detach"}).exit_status, 0);

  const auto datasets = Cli({"--format", "json", "datasets"}).Json()["datasets"];

  ASSERT_THAT(datasets, SizeIs(1));
  EXPECT_EQ(datasets[0]["samples"], 2);
}

}  // namespace
}  // namespace headscope::cli
