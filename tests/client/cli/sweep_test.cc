#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using tests::DemoSweep;

class SweepTest : public CliTest {
 protected:
  SweepTest() {
    state().models = {tests::DemoModel()};
    state().sweep = DemoSweep(v1::Job::SUCCEEDED);
    state().patterns = {PatternOf(1), PatternOf(2)};
    PrepareComparison();
  }

  static v1::Pattern PatternOf(int number, std::uint32_t layers = 1) {
    v1::Pattern pattern;
    pattern.set_name(absl::StrCat("patterns/p-", number));
    pattern.set_job(absl::StrCat("jobs/j-", number));
    pattern.set_layers(layers);
    pattern.set_heads(2);
    pattern.mutable_provenance()->set_family("llama");
    return pattern;
  }

  // Two patterns whose correlation is 0.25.
  void PrepareComparison() {
    v1::ComparePatternsResponse header, rows;
    for (int i = 1; i <= 2; ++i) {
      header.mutable_header()->add_patterns()->set_name(absl::StrCat("patterns/p-", i));
    }
    rows.mutable_rows()->set_measure(v1::MEASURE_PEARSON);
    rows.mutable_rows()->set_quantity(v1::ComparePatternsResponse::VALUE);
    *rows.mutable_rows()->mutable_values() = EncodeTensor(std::vector<double>{1, 0.25, 0.25, 1}, {2, 2});
    state().comparison = {header, rows};
  }

  std::string Copy() const { return Write("copy.jsonl", "{\"token_ids\": [1, 2], \"prompt_tokens\": 1}\n"); }
  std::string Sort() const { return Write("sort.jsonl", "{\"token_ids\": [3, 4], \"prompt_tokens\": 1}\n"); }
  CliRun Sweep(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments = {"sweep", "--models", "demo", "--data", Copy(), Sort()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return Cli(arguments);
  }
};

TEST_F(SweepTest, UploadsSubmitsFollowsAndPrintsOneObject) {
  const CliRun run = Sweep({"--format", "json"});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(state().uploads, 2);
  ASSERT_THAT(state().sweeps_submitted, SizeIs(1));
  const v1::SweepSpec& spec = state().sweeps_submitted[0].spec();
  EXPECT_THAT(spec.models(), ElementsAre("models/demo"));
  EXPECT_EQ(spec.datasets(0).task(), "copy");
  EXPECT_EQ(spec.datasets(1).task(), "sort");
  const nlohmann::json json = run.Json();
  EXPECT_EQ(json["sweep"], "s-1");
  EXPECT_EQ(json["state"], "SUCCEEDED");
  ASSERT_THAT(json["cells"], SizeIs(2));
  EXPECT_EQ(json["cells"][1]["model"], "demo");
  EXPECT_EQ(json["cells"][1]["task"], "sort");
  EXPECT_EQ(json["cells"][1]["job"], "j-2");
  EXPECT_EQ(json["cells"][1]["pattern"], "p-2");
  EXPECT_EQ(json["cells"][1]["state"], "SUCCEEDED");
  EXPECT_EQ(json["cells"][1]["dataset"].get<std::string>().size(), 64u);
  EXPECT_EQ(json["comparison"]["patterns"], nlohmann::json::parse(R"(["p-1", "p-2"])"));
  EXPECT_EQ(json["comparison"]["pearson"], nlohmann::json::parse("[[1, 0.25], [0.25, 1]]"));
  EXPECT_EQ(json["comparison"]["cells"], nlohmann::json::parse("[0, 1]"));
}

TEST_F(SweepTest, ComparesTheCellsWithTheMeasuresAskedFor) {
  Sweep();
  EXPECT_THAT(state().patterns_listed.at(0).labels().at("sweep"), "s-1");
  EXPECT_EQ(state().compared.patterns(1).name(), "p-2");
  EXPECT_THAT(state().compared.measures(), ElementsAre(v1::MEASURE_PEARSON, v1::MEASURE_SPEARMAN));
  Sweep({"--measure", "cosine"});
  EXPECT_THAT(state().compared.measures(), ElementsAre(v1::MEASURE_COSINE));
}

TEST_F(SweepTest, SendsTheFlagsOfJobs) {
  Sweep({"--task", "Copying,Sorting", "--label", "run=7", "--max-tokens", "64", "--positions", "response",
         "--batch-tokens", "2048", "--detach"});

  ASSERT_THAT(state().sweeps_submitted, SizeIs(1));
  const v1::SweepSpec& spec = state().sweeps_submitted[0].spec();
  EXPECT_EQ(spec.datasets(1).task(), "Sorting");
  EXPECT_EQ(spec.labels().at("run"), "7");
  EXPECT_EQ(spec.compute().max_tokens(), 64u);
  EXPECT_EQ(spec.reduction().positions(), v1::POSITIONS_RESPONSE);
  EXPECT_EQ(spec.execution().batch_tokens(), 2048u);
}

TEST_F(SweepTest, PrintsCellsAndLabelledMatrices) {
  const CliRun run = Sweep();
  EXPECT_THAT(run.out, AllOf(HasSubstr("s-1 SUCCEEDED, 2 of 2 cells succeeded"), HasSubstr("j-2"), HasSubstr("p-2"),
                             HasSubstr("[1] sort  demo"), HasSubstr("pearson:"), HasSubstr("0.25")));
  const CliRun csv = Sweep({"--format", "csv"});
  EXPECT_EQ(csv.out,
            "model,task,state,samples,job,pattern\ndemo,copy,SUCCEEDED,2/2,j-1,p-1\ndemo,sort,SUCCEEDED,2/2,j-2,p-2\n");
}

TEST_F(SweepTest, ShowsOneProgressInPlainLines) {
  state().sweep_steps = {DemoSweep(v1::Job::QUEUED), DemoSweep(v1::Job::RUNNING)};
  const CliRun run = Sweep();
  EXPECT_THAT(run.err, AllOf(HasSubstr("headscope: sweep s-1, 1 model x 2 datasets\n"),
                             HasSubstr("headscope: s-1  QUEUED  0/2 cells  0/4 samples\n"),
                             HasSubstr("headscope: s-1  RUNNING  0/2 cells  0/4 samples\n"),
                             HasSubstr("headscope: s-1  SUCCEEDED  2/2 cells  4/4 samples\n")));
}

TEST_F(SweepTest, ShowsABarOnATerminal) {
  err_is_terminal_ = true;
  EXPECT_THAT(Sweep().err, HasSubstr("########] SUCCEEDED  2/2 cells  4/4 samples"));
}

TEST_F(SweepTest, DetachPrintsTheIdAlone) {
  EXPECT_EQ(Sweep({"--detach"}).out, "s-1\n");
  EXPECT_EQ(Sweep({"--detach", "--format", "json"}).Json(), nlohmann::json({{"sweep", "s-1"}}));
  EXPECT_EQ(Sweep({"--detach", "--format", "csv"}).out, "sweep\ns-1\n");
}

TEST_F(SweepTest, CtrlCDetachesAndTellsTheWayBack) {
  state().sweep = DemoSweep(v1::Job::RUNNING);
  interrupted_ = [this] { return !state().sweeps_submitted.empty(); };
  const CliRun run = Sweep();
  EXPECT_EQ(run.exit_status, 130);
  EXPECT_THAT(run.err, AllOf(HasSubstr("detached; sweep s-1 goes on"), HasSubstr("`headscope sweep s-1`")));
  EXPECT_THAT(run.out, IsEmpty());
}

TEST_F(SweepTest, FaultsOfAllFilesAreReportedAndNothingIsUploaded) {
  const CliRun run = Cli({"sweep", "--models", "demo", "--data", Write("a.jsonl", "no json\n"), "--data",
                          Write("b.jsonl", "{\"text\": \"\"}\n")});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("a.jsonl:1:"), HasSubstr("b.jsonl:1:")));
  EXPECT_EQ(state().uploads, 0);
  EXPECT_THAT(state().sweeps_submitted, IsEmpty());
}

TEST_F(SweepTest, TwoFilesOfOneNameNeedLabels) {
  const std::string path = Copy();
  CliRun run = Cli({"sweep", "--models", "demo", "--data", path, path});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("two files are called \"copy\""));
  run = Cli({"sweep", "--models", "demo", "--data", path, path, "--task", "a"});
  EXPECT_THAT(run.err, HasSubstr("a label for each of 2 files, found 1"));
  run = Cli({"sweep", "--models", "demo", "--data", path, path, "--task", "a,b"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("has the same rows as"));
}

TEST_F(SweepTest, UnknownModelsAreNotFound) {
  EXPECT_EQ(Cli({"sweep", "--models", "dmeo", "--data", Copy()}).exit_status, 4);
  EXPECT_EQ(state().uploads, 0);
}

TEST_F(SweepTest, CellsWithoutAPatternAreExplained) {
  state().sweep = DemoSweep(v1::Job::FAILED);
  state().patterns.clear();
  v1::Failure& failure = *state().sweep.mutable_cells(0)->mutable_failure();
  failure.set_reason("OUT_OF_MEMORY");
  failure.set_message("too small");
  state().sweep.mutable_cells(1)->clear_job();
  state().sweep.mutable_cells(1)->clear_state();
  const CliRun run = Cli({"sweep", "s-1", "--format", "json"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("copy on demo: job j-1 FAILED: OUT_OF_MEMORY: too small"),
                             HasSubstr("sort on demo: its job was deleted"), HasSubstr("sweep s-1 --retry")));
  EXPECT_EQ(run.Json()["cells"][0]["failure"]["reason"], "OUT_OF_MEMORY");
  EXPECT_EQ(run.Json()["cells"][1]["state"], "DELETED");
  EXPECT_TRUE(run.Json()["cells"][1]["job"].is_null());
  EXPECT_TRUE(run.Json()["comparison"].is_null());
}

TEST_F(SweepTest, ADeletedJobIsToldButIsNoFailure) {
  state().patterns.pop_back();
  state().sweep.mutable_cells(1)->clear_job();
  state().sweep.mutable_cells(1)->clear_state();
  state().sweep.mutable_cells(1)->clear_pattern();
  state().sweep.mutable_counts()->set_succeeded(1);
  state().sweep.mutable_counts()->set_deleted(1);
  const CliRun run = Cli({"sweep", "s-1"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("s-1 SUCCEEDED, 1 of 2 cells succeeded, 1 deleted"));
  EXPECT_THAT(run.err, AllOf(HasSubstr("sort on demo: its job was deleted"), HasSubstr("sweep s-1 --retry")));
  state().sweep.set_state(v1::Job::FAILED);
  EXPECT_EQ(Cli({"sweep", "s-1"}).exit_status, 1) << "the deleted job had failed";
}

TEST_F(SweepTest, CellsRefusedForTheirInputAreAUsersMatter) {
  state().sweep = DemoSweep(v1::Job::FAILED);
  state().patterns.clear();
  for (v1::SweepCell& cell : *state().sweep.mutable_cells()) cell.mutable_failure()->set_reason("INVALID_SAMPLES");
  EXPECT_EQ(Cli({"sweep", "s-1"}).exit_status, 2);
  state().sweep.mutable_cells(0)->mutable_failure()->set_reason("INTERNAL");
  EXPECT_EQ(Cli({"sweep", "s-1"}).exit_status, 1);
}

TEST_F(SweepTest, PatternsOfDifferentShapesHaveAMatrixEach) {
  for (int number : {3, 4, 5}) {
    v1::SweepCell& cell = *state().sweep.add_cells();
    cell = state().sweep.cells(0);
    cell.set_pattern(absl::StrCat("patterns/p-", number));
    cell.set_task(absl::StrCat("task ", number));
    state().patterns.push_back(PatternOf(number, number == 5 ? 9 : 7));
  }
  const CliRun run = Cli({"sweep", "s-1", "--format", "json"});
  EXPECT_THAT(run.err, AllOf(HasSubstr("3 shapes or architectures"), HasSubstr("nothing to compare task 5")));
  EXPECT_TRUE(run.Json()["comparison"].is_null());
  ASSERT_THAT(run.Json()["comparisons"], SizeIs(2));
  EXPECT_EQ(run.Json()["comparisons"][0]["cells"], nlohmann::json::parse("[0, 1]"));
  EXPECT_EQ(run.Json()["comparisons"][1]["cells"], nlohmann::json::parse("[2, 3]"));
}

TEST_F(SweepTest, PatternsAreGroupedByTheShapeThatTheyHaveThoughTheModelsHaveOthers) {
  // Of key-value heads: two of each model.
  state().patterns[1].mutable_provenance()->set_family("gpt2");
  state().patterns[0].mutable_provenance()->set_kv_heads(2);
  state().patterns[1].mutable_provenance()->set_kv_heads(2);
  EXPECT_EQ(Cli({"sweep", "s-1", "--allow-different-models", "--format", "json"}).Json()["comparison"]["cells"],
            nlohmann::json::parse("[0, 1]"));
  // Two and four.
  state().patterns[1].set_heads(4);
  state().patterns[1].mutable_provenance()->set_kv_heads(4);
  const CliRun run = Cli({"sweep", "s-1", "--allow-different-models", "--format", "json"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(run.Json()["comparisons"], IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("nothing to compare sort on demo with (1 layers, 4 heads)"));
}

TEST_F(SweepTest, DifferentArchitecturesAreComparedWhenToldSo) {
  state().patterns[1].mutable_provenance()->set_family("gpt2");
  EXPECT_THAT(Cli({"sweep", "s-1", "--format", "json"}).Json()["comparisons"], IsEmpty());
  const CliRun run = Cli({"sweep", "s-1", "--allow-different-models", "--format", "json"});
  EXPECT_THAT(run.Json()["comparisons"], SizeIs(1));
  EXPECT_TRUE(state().compared.allow_different_models());
}

TEST_F(SweepTest, RetryFollowsTheNewJobs) {
  const CliRun run = Cli({"sweep", "s-1", "--retry"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(state().sweeps_retried, ElementsAre("sweeps/s-1"));
  EXPECT_THAT(run.out, HasSubstr("pearson:"));
}

TEST_F(SweepTest, CancelShowsWhatIsLeft) {
  const CliRun run = Cli({"sweep", "s-1", "--cancel"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("s-1 CANCELLED"), Not(HasSubstr("pearson"))));
}

TEST_F(SweepTest, OneThatIsUnderWayIsShownWithoutWaiting) {
  state().sweep = DemoSweep(v1::Job::RUNNING);
  state().patterns.clear();
  const CliRun run = Cli({"sweep", "s-1", "--detach"});
  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("s-1 RUNNING, 0 of 2 cells succeeded"));
}

TEST_F(SweepTest, SaysWhatDoesNotGoTogether) {
  EXPECT_THAT(Cli({"sweep"}).err, HasSubstr("--models GLOB and --data FILE, or the ID of a sweep"));
  EXPECT_THAT(Cli({"sweep", "--models", "demo"}).err, HasSubstr("--models GLOB and --data FILE"));
  EXPECT_THAT(Cli({"sweep", "s-1", "--dtype", "float32"}).err, HasSubstr("--dtype belongs to a new sweep"));
  EXPECT_THAT(Cli({"sweep", "s-1", "--retry", "--cancel"}).err, HasSubstr("exclude each other"));
  EXPECT_THAT(Sweep({"--retry"}).err, HasSubstr("--retry needs the ID of a sweep"));
  EXPECT_EQ(Cli({"sweep", "s-2"}).exit_status, 4);
}

TEST_F(SweepTest, SweepsAreListedAndDeleted) {
  const CliRun run = Cli({"sweeps", "--label", "run=7", "--format", "json"});
  EXPECT_EQ(run.Json()["sweeps"][0]["sweep"], "s-1");
  EXPECT_EQ(run.Json()["sweeps"][0]["counts"]["succeeded"], 2);
  EXPECT_EQ(state().sweeps_listed.at(0).labels().at("run"), "7");
  EXPECT_THAT(Cli({"sweeps"}).out, AllOf(HasSubstr("s-1"), HasSubstr("2/2"), HasSubstr("4/4")));
  EXPECT_EQ(Cli({"delete", "sweeps/s-1"}).out, "s-1\n");
  EXPECT_FALSE(state().sweeps_deleted.at(0).keep_jobs());
}

}  // namespace
}  // namespace headscope::cli
