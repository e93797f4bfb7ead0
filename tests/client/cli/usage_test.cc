#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/cli/command.h"
#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class UsageTest : public CliTest {};

struct Mistake {
  std::vector<std::string> arguments;
  std::string message;
};

class MistakeTest : public CliTest, public ::testing::WithParamInterface<Mistake> {};

TEST_P(MistakeTest, IsExplainedOnStandardErrorWithStatusTwo) {
  const CliRun run = Cli(GetParam().arguments);

  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Table, MistakeTest,
    ::testing::Values(
        Mistake{{}, "Usage:"}, Mistake{{"jbos"}, "unknown command \"jbos\" (did you mean \"jobs\"?)"},
        Mistake{{"--nosuch"}, "unknown flag --nosuch"}, Mistake{{"help", "nosuch"}, "unknown command \"nosuch\""},
        Mistake{{"--format", "xml", "jobs"}, "--format: wanted table or json or csv, found \"xml\""},
        Mistake{{"--server", "nowhere", "jobs"}, "--server: wanted HOST:PORT, found \"nowhere\""},
        Mistake{{"--server", "h:99999", "jobs"}, "wanted HOST:PORT"}, Mistake{{"job"}, "job needs ID"},
        Mistake{{"job", "a", "b"}, "\"b\" is one argument too many"},
        Mistake{{"jobs", "a"}, "\"a\" is one argument too many"},
        Mistake{{"jobs", "--state", "done"},
                "--state: wanted queued or preparing or running or succeeded or failed or cancelled or expired, found "
                "\"done\""},
        Mistake{{"jobs", "--state", "FALED"}, "found \"FALED\" (did you mean \"failed\"?)"},
        Mistake{{"delete", "foo\n"}, "(its digest of 64 lower-case hex digits, datasets/...), found \"foo?\""},
        Mistake{{"delete", std::string(64, 'A')}, "delete: wanted the id of a job (j-..., jobs/...)"},
        Mistake{{"jobs", "--limit", "0"}, "--limit: wanted a whole number"},
        Mistake{{"attribute"}, "attribute needs --model NAME and --data FILE"},
        Mistake{{"attribute", "--data", "x"}, "attribute needs --model NAME"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--engine", "fst"}, "--engine: wanted fast or reference"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--dtype", "int8"}, "--dtype: wanted float32"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--method", "magic"}, "--method: wanted gradient"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--append-eos", "yes"},
                "--append-eos: wanted true or false"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--max-tokens", "1"},
                "--max-tokens: wanted a whole number"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--label", "x"}, "--label: wanted KEY=VALUE"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--script-batch", "4", "--loss-scale", "sum"},
                "--script-batch belongs to --loss-scale batch-token-mean"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--script-batch", "0"}, "--script-batch: wanted"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--format", "csv", "--samples"}, "does not fit into csv"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "--detach", "--samples"}, "--detach prints no result"},
        Mistake{{"attribute", "--model", "m", "--data", "x", "-o", "/nonexistent/x.json"}, "cannot write"},
        Mistake{{"attribute", "--model", "m", "--data", "/nonexistent.jsonl"}, "/nonexistent.jsonl: No such file"},
        Mistake{{"result", "j-1", "--positions", "some"}, "--positions: wanted"},
        Mistake{{"result", "j-1", "--tokens"}, "--tokens fits into json only"},
        Mistake{{"result", "j-1", "--tokens", "--format", "csv"}, "--tokens fits into json only"},
        Mistake{{"tokenize", "demo", "\xff"}, "an argument is not valid UTF-8"}));

TEST_F(UsageTest, HelpIsAResult) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"}, {"-h"}, {"help"}}) {
    const CliRun run = Cli(arguments);
    EXPECT_EQ(run.exit_status, 0);
    EXPECT_THAT(run.out, StartsWith("headscope tells which attention heads"));
    EXPECT_THAT(run.err, IsEmpty());
  }
}

TEST_F(UsageTest, EveryFlagThatHasADefaultSaysIt) {
  // What is needed, what only narrows a list, and what adds something.
  const std::set<std::string> without = {"basis", "budget",   "component", "data",  "decompose", "from",
                                         "label", "model",    "models",    "name",  "family",    "output",
                                         "pool",  "response", "source",    "state", "target",    "worker"};
  for (const Command* command : Commands()) {
    for (const Flag& flag : command->flags) {
      if (flag.value.empty() || without.contains(flag.name)) continue;
      EXPECT_THAT(flag.help, HasSubstr("default")) << command->name << " --" << flag.name;
    }
  }
  EXPECT_THAT(Cli({"decompose", "--help"}).out, HasSubstr("0 for none (default 1000)"));
}

TEST_F(UsageTest, EveryCommandExplainsItselfWithAnExample) {
  for (const Command* command : Commands()) {
    const CliRun before = Cli({"help", command->name});
    const CliRun behind = Cli({command->name, "--help"});
    EXPECT_EQ(before.exit_status, 0);
    EXPECT_EQ(before.out, behind.out);
    EXPECT_THAT(before.out, StartsWith("Usage: headscope " + command->name));
    EXPECT_THAT(before.out, HasSubstr("\nExamples:\n  headscope " + command->name));
  }
}

TEST_F(UsageTest, VersionIsPrintedAlone) { EXPECT_THAT(Cli({"--version"}).out, StartsWith("headscope ")); }

TEST_F(UsageTest, GlobalFlagsStandBeforeOrBehindTheCommand) {
  EXPECT_EQ(Cli({"--format", "json", "jobs"}).out, "{\"jobs\":[]}\n");
  EXPECT_EQ(Cli({"jobs", "--format=json"}).out, "{\"jobs\":[]}\n");
}

TEST_F(UsageTest, TheServerIsNamedByFlagThenVariable) {
  const std::string dead = tests::DeadAddress();

  EXPECT_EQ(Cli({"--server", dead, "jobs"}).exit_status, 3);
  EXPECT_THAT(Cli({"jobs", "--server", dead}).err, HasSubstr("no server answers at " + dead));
  variables_["HEADSCOPE_SERVER"] = dead;
  EXPECT_EQ(Cli({"jobs"}).exit_status, 3);
  EXPECT_EQ(Cli({"jobs", "--server", server_.address()}).exit_status, 0);
}

}  // namespace
}  // namespace headscope::cli
