#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using tests::DemoJob;
using tests::Snapshot;

class AttributeTest : public CliTest {
 protected:
  AttributeTest() { PrepareSuccess(); }

  CliRun Attribute(const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"attribute", "--model", "demo", "--data", Rows()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return Cli(arguments);
  }
};

TEST_F(AttributeTest, UploadsSubmitsFollowsAndPrintsOneObject) {
  const CliRun run = Attribute({"--format", "json"});

  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(run.Json()["job"], "j-1");
  EXPECT_EQ(run.Json()["pattern"], nlohmann::json::parse("[[0.5, 0.25]]"));
  EXPECT_THAT(state().samples, SizeIs(2));
  ASSERT_THAT(state().submitted, SizeIs(1));
  EXPECT_THAT(state().submitted[0].spec().dataset(), StartsWith("datasets/"));
  EXPECT_FALSE(state().submitted[0].spec().compute().record_tokens());
}

TEST_F(AttributeTest, SendsItsFlags) {
  Attribute({"--dtype", "float64", "--append-eos", "false", "--max-tokens", "64", "--on-invalid", "skip",
             "--script-batch", "8", "--positions", "response", "--label", "task=copy", "--label", "run=1",
             "--batch-tokens", "2048", "--tokens"});

  ASSERT_THAT(state().submitted, SizeIs(1));
  const v1::JobSpec& spec = state().submitted[0].spec();
  EXPECT_EQ(spec.model(), "models/demo");
  EXPECT_EQ(spec.compute().dtype(), v1::DTYPE_FLOAT64);
  EXPECT_FALSE(spec.compute().append_eos());
  EXPECT_EQ(spec.compute().max_tokens(), 64);
  EXPECT_EQ(spec.compute().on_invalid(), v1::ON_INVALID_SKIP);
  EXPECT_EQ(spec.reduction().loss_scale(), v1::LOSS_SCALE_BATCH_TOKEN_MEAN);
  EXPECT_EQ(spec.reduction().script_batch(), 8);
  EXPECT_EQ(spec.reduction().positions(), v1::POSITIONS_RESPONSE);
  EXPECT_EQ(spec.execution().batch_tokens(), 2048);
  EXPECT_TRUE(spec.compute().record_tokens());
  EXPECT_THAT(spec.labels(), SizeIs(2));
}

TEST_F(AttributeTest, PrintsEveryFaultOfTheRowsAndMakesNoJob) {
  const std::string path = Write("bad.jsonl", "not json\n{\"text\": \"\"}\n");

  const CliRun run = Cli({"attribute", "--model", "demo", "--data", path});

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, AllOf(HasSubstr(path + ":1: not valid JSON"), HasSubstr(path + ":2: text: empty"),
                             HasSubstr("2 faults")));
  EXPECT_EQ(state().uploads, 0);
}

TEST_F(AttributeTest, LimitReadsTheFirstRowsAndIsReported) {
  const CliRun run = Attribute({"--limit", "1", "--format", "json"});

  EXPECT_THAT(state().samples, SizeIs(1));
  EXPECT_EQ(run.Json()["options"]["limit"], 1);
}

TEST_F(AttributeTest, ReadsRowsFromStandardInput) {
  input_ = "{\"text\": \"ab\"}\n";

  EXPECT_EQ(Cli({"attribute", "--model", "demo", "--data", "-", "--detach"}).exit_status, 0);
  EXPECT_THAT(state().samples, SizeIs(1));
}

TEST_F(AttributeTest, DetachPrintsTheJobAlone) {
  EXPECT_EQ(Attribute({"--detach"}).out, "j-1\n");
  EXPECT_EQ(Attribute({"--detach", "--format", "json"}).out, "{\"job\":\"j-1\"}\n");
  EXPECT_EQ(Attribute({"--detach", "--format", "csv"}).out, "job\nj-1\n");
}

TEST_F(AttributeTest, AnUnknownModelIsNotFoundBeforeAnythingIsUploaded) {
  EXPECT_EQ(Cli({"attribute", "--model", "nosuch", "--data", Rows()}).exit_status, 4);
  EXPECT_EQ(state().uploads, 0);
}

TEST_F(AttributeTest, TheFirstWorkerOfAFreshServerIsWaitedFor) {
  state().before_first_worker = 5;  // more than gRPC tries by itself
  give_up_after_ = absl::Minutes(1);

  const CliRun run = Attribute({"--detach"});

  EXPECT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("waiting for the server's first worker"));
}

TEST_F(AttributeTest, AServerThatStaysWithoutWorkersIsNotWaitedForForever) {
  state().before_first_worker = 1000;

  const CliRun run = Attribute({});

  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.err, HasSubstr("no worker has connected yet"));
  EXPECT_EQ(state().uploads, 0);
}

TEST_F(AttributeTest, AnUnsupportedModelIsRefusedBeforeAnythingIsUploaded) {
  state().models[0].set_unsupported("model_type \"mamba\"");

  const CliRun run = Attribute({});

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("mamba"));
  EXPECT_EQ(state().uploads, 0);
}

TEST_F(AttributeTest, PrintsInvalidSamplesWithTheirLines) {
  state().job = DemoJob(v1::Job::FAILED);
  state().job.mutable_failure()->set_reason("INVALID_SAMPLES");
  state().job.set_invalid_samples(1);
  state().invalid.emplace_back();
  state().invalid[0].set_index(1);
  state().invalid[0].set_id("b");
  state().invalid[0].set_reason("TOO_LONG");
  state().invalid[0].set_message("500 tokens, the model takes 128");

  const CliRun run = Attribute({});

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr(Path("rows.jsonl") + ":3: \"b\": TOO_LONG: 500 tokens, the model takes 128\n"));
}

TEST_F(AttributeTest, AJobThatFailsOtherwiseIsAFailure) {
  state().job = DemoJob(v1::Job::FAILED);
  state().job.mutable_failure()->set_reason("NON_FINITE_SCORES");
  state().job.mutable_failure()->set_message("sample \"a\" has a score that is not finite");

  const CliRun run = Attribute({});

  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.err, HasSubstr("NON_FINITE_SCORES: sample \"a\" has a score that is not finite"));
}

TEST_F(AttributeTest, SaysThatSamplesWereLeftOut) {
  state().job.set_invalid_samples(1);
  state().invalid.emplace_back();
  state().invalid[0].set_reason("TOO_LONG");

  const CliRun run = Attribute({"--format", "json"});

  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.err, HasSubstr("1 sample left out"));
  EXPECT_EQ(run.Json()["provenance"]["skipped"][0]["reason"], "TOO_LONG");
}

TEST_F(AttributeTest, CtrlCDetachesAndSaysHowToComeBack) {
  state().watches = {{{Snapshot(1, DemoJob(v1::Job::RUNNING))}, false, /*hangs=*/true}};
  interrupted_ = [this] { return !state().watched.empty(); };

  const CliRun run = Attribute({});

  EXPECT_EQ(run.exit_status, 130);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, AllOf(HasSubstr("headscope watch j-1"), HasSubstr("headscope result j-1")));
}

TEST_F(AttributeTest, FileNamesChooseTheForm) {
  EXPECT_THAT(Attribute({"-o", Path("r.npy")}).out, IsEmpty());
  Attribute({"-o", Path("r.csv")});
  Attribute({"-o", Path("r.json"), "--samples"});
  Attribute({"-o", Path("r.txt")});

  EXPECT_THAT(Read(Path("r.npy")), HasSubstr("(1, 2)"));
  EXPECT_THAT(Read(Path("r.csv")), StartsWith("layer,head,value,standard_error\n0,0,0.5,0.1\n"));
  EXPECT_THAT(nlohmann::json::parse(Read(Path("r.json")))["samples"], SizeIs(2));
  EXPECT_THAT(Read(Path("r.txt")), HasSubstr("top heads:"));
}

TEST_F(AttributeTest, ATerminalShowsAColouredMap) {
  out_is_terminal_ = true;
  variables_["TERM"] = "xterm-256color";

  EXPECT_THAT(Attribute({}).out, AllOf(HasSubstr("\x1b[38;5;"), HasSubstr("layer 0 head 0  0.5 ± 0.1")));
  variables_["NO_COLOR"] = "1";
  EXPECT_THAT(Attribute({}).out, AllOf(Not(HasSubstr("\x1b")), HasSubstr("layer  0 ██ ▒▒")));
}

TEST_F(AttributeTest, ATerminalShowsOneProgressLine) {
  err_is_terminal_ = true;

  EXPECT_THAT(Attribute({}).err, HasSubstr("\r\x1b[K[########################] SUCCEEDED  2/2 samples"));
}

}  // namespace
}  // namespace headscope::cli
