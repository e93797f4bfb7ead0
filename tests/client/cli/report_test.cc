// headscope report: what it asks the server and what it writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "client/cli/npy.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReportCommandTest : public CliTest {
 protected:
  ReportCommandTest() {
    state().pattern = tests::DemoPattern();
    state().job = tests::DemoJob(v1::Job::SUCCEEDED);
    state().description.mutable_dispersion()->mutable_gini()->set_value(0.4375);
    AnswerComparison(2);
  }

  void AnswerComparison(int patterns) {
    v1::ComparePatternsResponse header;
    for (int i = 0; i < patterns; ++i) header.mutable_header()->add_patterns();
    v1::ComparePatternsResponse rows;
    rows.mutable_rows()->set_measure(v1::MEASURE_PEARSON);
    rows.mutable_rows()->set_quantity(v1::ComparePatternsResponse::VALUE);
    const std::vector<double> values(static_cast<std::size_t>(patterns * patterns), 0.8125);
    const auto count = static_cast<std::uint32_t>(patterns);
    *rows.mutable_rows()->mutable_values() = EncodeTensor(absl::MakeConstSpan(values), {count, count});
    state().comparison = {header, rows};
  }

  std::string File(const std::string& name) { return Write(name, NpyBytes({1, 2}, {1, 3})); }
  std::string Output() const { return Path("report.html"); }
};

TEST_F(ReportCommandTest, TooManyPatternsAreRefusedWithTheLimit) {
  std::vector<std::string> arguments = {"report", "-o", Output()};
  for (int i = 0; i < 65; ++i) arguments.push_back("j-1");
  const CliRun run = Cli(arguments);
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("report: at most 64 arguments P... fit into one call, found 65; name fewer"));
  EXPECT_FALSE(std::filesystem::exists(Output()));
}

TEST_F(ReportCommandTest, ABaseIsOneOfThePatternsThatFit) {
  std::vector<std::string> command = {"report", "--base", File("base.npy"), "-o", Output()};
  command.insert(command.end(), 64, File("a.npy"));
  const CliRun run = Cli(command);
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("at most 64 patterns fit into a report, found 65 with the base"));
}

TEST_F(ReportCommandTest, WritesOnePageAboutJobsAndFiles) {
  const CliRun run = Cli({"report", "j-1", File("step-7.npy"), "--title", "Add <and> copy", "-o", Output()});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("wrote " + Output()));
  const std::string page = Read(Output());
  EXPECT_THAT(page, HasSubstr("<h1>Add &lt;and&gt; copy</h1>"));
  EXPECT_THAT(page, HasSubstr("2 patterns of attention heads, 1 layer by 2 heads"));
  EXPECT_THAT(page, HasSubstr("<b>j-1</b><span class=\"subtitle\">demo, 2 samples</span>"));
  EXPECT_THAT(page, HasSubstr("<b>step-7</b>"));
  EXPECT_THAT(page, HasSubstr("<td>0.5 ± 0.1"));
  EXPECT_THAT(page, HasSubstr("<b>step-7 − j-1</b>"));
  EXPECT_THAT(page, HasSubstr("0.4375"));
  EXPECT_THAT(page, HasSubstr("0.812"));
  EXPECT_THAT(page, HasSubstr("<dt>Samples</dt><dd>2 of 2</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>File</dt><dd>" + Path("step-7.npy") + "</dd>"));
  EXPECT_THAT(page, Not(HasSubstr("<section id=\"trajectories\"")));
  EXPECT_THAT(page, Not(HasSubstr("<section id=\"decomposition\"")));
}

TEST_F(ReportCommandTest, CallsPatternsWhatTheUserCallsThem) {
  ASSERT_EQ(Cli({"report", "j-1", File("a.npy"), "--label", "base,tuned", "-o", Output()}).exit_status, 0);
  EXPECT_THAT(Read(Output()), HasSubstr("<b>tuned − base</b>"));

  (*state().pattern.mutable_labels())["task"] = "add";
  (*state().pattern.mutable_labels())["step"] = "200";
  ASSERT_EQ(Cli({"report", "j-1", File("a.npy"), "-o", Output()}).exit_status, 0);
  EXPECT_THAT(Read(Output()), HasSubstr("<b>add, step 200</b>"));

  ASSERT_EQ(Cli({"report", "j-1", "p-1", "-o", Output()}).exit_status, 0);
  EXPECT_THAT(Read(Output()), HasSubstr("<b>add, step 200 (p-1) − add, step 200 (j-1)</b>"));
}

TEST_F(ReportCommandTest, TakesDifferencesFromTheChosenBase) {
  const std::string before = File("before.npy");
  ASSERT_EQ(Cli({"report", "j-1", before, "--base", before, "-o", Output()}).exit_status, 0);
  EXPECT_THAT(Read(Output()), HasSubstr("<b>j-1 − before</b>"));

  // One that is no pattern of the page yet becomes one.
  const CliRun run = Cli({"report", "j-1", "--base", before, "-o", Output()});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(state().compared.patterns_size(), 2);
  EXPECT_THAT(Read(Output()), HasSubstr("<b>j-1 − before</b>"));
}

TEST_F(ReportCommandTest, TracksWhenAsked) {
  for (int i = 0; i < 2; ++i) state().track.add_points()->mutable_against_first()->set_pearson(0.9375);

  ASSERT_EQ(Cli({"report", "j-1", File("a.npy"), "--track", "--magnitudes", "-o", Output()}).exit_status, 0);

  EXPECT_TRUE(state().tracked.magnitudes());
  EXPECT_THAT(Read(Output()), HasSubstr("<section id=\"trajectories\""));
  EXPECT_THAT(Read(Output()), HasSubstr("0.9375"));
}

TEST_F(ReportCommandTest, DecomposesPatternsAndChanges) {
  state().decomposition.add_coefficients()->set_value(0.6875);
  *state().decomposition.mutable_residuals() = EncodeTensor(std::vector<double>{0, 1}, {1, 2});
  const std::string basis = File("basis.npy");

  ASSERT_EQ(Cli({"report", "j-1", basis, "--decompose", "j-1", "--basis", basis, "--fit", "nnls", "-o", Output()})
                .exit_status,
            0);
  EXPECT_EQ(state().decomposed.fit(), v1::FIT_NNLS);
  EXPECT_FALSE(state().decomposed.target().has_minus());
  EXPECT_THAT(Read(Output()), HasSubstr("<p>j-1 ≈ basis, each times its coefficient: non-negative least squares"));
  EXPECT_THAT(Read(Output()), HasSubstr("0.6875"));

  ASSERT_EQ(Cli({"report", "j-1", basis, "--base", "p-1", "--decompose", "j-1", "--basis", basis, "-o", Output()})
                .exit_status,
            1)
      << "the server answered about two patterns, asked about three";
  AnswerComparison(3);
  ASSERT_EQ(Cli({"report", "j-1", basis, "--base", "p-1", "--decompose", "j-1", "--basis", basis, "-o", Output()})
                .exit_status,
            0);
  EXPECT_EQ(state().decomposed.target().minus().name(), "p-1");
  EXPECT_EQ(state().decomposed.basis(0).minus().name(), "p-1");
  EXPECT_THAT(Read(Output()), HasSubstr("<h3>j-1 − p-1</h3>"));
}

TEST_F(ReportCommandTest, ReducesStoredPatternsEverywhere) {
  ASSERT_EQ(Cli({"report", "j-1", File("a.npy"), "--positions", "response", "-o", Output()}).exit_status, 0);

  EXPECT_EQ(state().patterns_asked.back().reduction().positions(), v1::POSITIONS_RESPONSE);
  EXPECT_EQ(state().compared.patterns(0).reduction().positions(), v1::POSITIONS_RESPONSE);
  EXPECT_FALSE(state().compared.patterns(1).has_reduction());
  EXPECT_THAT(Read(Output()), HasSubstr("positions response"));
}

TEST_F(ReportCommandTest, OnePatternNeedsNoComparison) {
  ASSERT_EQ(Cli({"report", "j-1", "-o", Output()}).exit_status, 0);

  EXPECT_EQ(state().compared.patterns_size(), 0);
  EXPECT_THAT(Read(Output()), HasSubstr("1 pattern of attention heads"));
}

TEST_F(ReportCommandTest, AsksForIntervalsAndTests) {
  ASSERT_EQ(Cli({"report", "j-1", File("a.npy"), "--intervals", "heads", "--resamples", "50", "--permutations", "99",
                 "--seed", "7", "-o", Output()})
                .exit_status,
            0);

  EXPECT_EQ(state().described.bootstrap().resamples(), 50u);
  EXPECT_EQ(state().compared.bootstrap().resamples(), 50u);
  EXPECT_EQ(state().compared.bootstrap().seed(), 7u);
  EXPECT_EQ(state().compared.permutation().permutations(), 99u);
}

TEST_F(ReportCommandTest, SaysWhatItLacksAndWritesNothing) {
  EXPECT_THAT(Cli({"report", "j-1"}).err, HasSubstr("report needs -o FILE.html"));
  EXPECT_THAT(Cli({"report", "j-1", "-o", Path("no/such/folder.html")}).err, HasSubstr("cannot write"));
  EXPECT_THAT(Cli({"report", "j-1", "--label", "a,b", "-o", Output()}).err,
              HasSubstr("one for each of 1 patterns, found 2"));
  EXPECT_THAT(Cli({"report", "j-1", "--basis", "p-1", "-o", Output()}).err, HasSubstr("belong together"));
  EXPECT_THAT(Cli({"report", "j-1", "--intercept", "-o", Output()}).err,
              HasSubstr("--intercept belongs to --decompose"));
  const CliRun shapes = Cli({"report", "j-1", Write("large.npy", NpyBytes({2, 2}, {1, 2, 3, 4})), "-o", Output()});
  EXPECT_EQ(shapes.exit_status, 2);
  EXPECT_THAT(shapes.err, HasSubstr("j-1 has 1 x 2, large has 2 x 2"));
  EXPECT_EQ(Cli({"report", "j-unknown", "-o", Output()}).exit_status, 4);
  EXPECT_FALSE(std::filesystem::exists(Output()));
}

}  // namespace
}  // namespace headscope::cli
