// Commands of patterns: what they ask the server and what they print.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/npy.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

v1::Tensor Values(const std::vector<double>& values, std::uint32_t rows) {
  return EncodeTensor(absl::MakeConstSpan(values), {rows, static_cast<std::uint32_t>(values.size()) / rows});
}

class AnalysisCommandsTest : public CliTest {
 protected:
  AnalysisCommandsTest() {
    state().pattern = tests::DemoPattern();
    state().job = tests::DemoJob(v1::Job::SUCCEEDED);
  }
  std::string File() { return Write("after.npy", NpyBytes({1, 2}, {1, 3})); }

  void AnswerComparison(int patterns) {
    v1::ComparePatternsResponse message;
    for (int i = 0; i < patterns; ++i) {
      message.mutable_header()->add_patterns()->set_name("patterns/p-" + std::to_string(i));
    }
    message.mutable_header()->set_top_k(1);
    message.mutable_header()->set_top_k_overlap_by_chance(0.5);
    state().comparison = {message};
    for (const bool removed : {false, true}) {
      v1::ComparePatternsResponse rows;
      rows.mutable_rows()->set_measure(v1::MEASURE_KENDALL_TAU_B);
      rows.mutable_rows()->set_layer_means_removed(removed);
      rows.mutable_rows()->set_quantity(v1::ComparePatternsResponse::VALUE);
      std::vector<double> values(static_cast<std::size_t>(patterns * patterns), removed ? 0.25 : 0.75);
      if (removed) values[1] = std::numeric_limits<double>::quiet_NaN();
      *rows.mutable_rows()->mutable_values() = Values(values, static_cast<std::uint32_t>(patterns));
      state().comparison.push_back(rows);
    }
  }
};

TEST_F(AnalysisCommandsTest, DescribeAsksForADifferenceOfAFileAndAJob) {
  state().description.mutable_pattern()->set_name("patterns/p-1");
  state().description.mutable_dispersion()->mutable_gini()->set_value(0.5);
  state().description.mutable_dispersion()->mutable_gini()->mutable_interval()->set_high(0.625);

  const CliRun run = Cli({"describe", File(), "--base", "j-1", "--positions", "response", "--ddof", "1", "--seed", "7",
                          "--magnitudes", "--head-order", "magnitude", "--format", "json"});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  const v1::DescribePatternRequest& asked = state().described;
  EXPECT_THAT(*DecodeFloat64(asked.pattern().inline_pattern().values()), ElementsAre(1, 3));
  EXPECT_FALSE(asked.pattern().has_reduction()) << "files are taken as they are";
  EXPECT_EQ(asked.pattern().minus().name(), "j-1");
  EXPECT_EQ(asked.pattern().minus().reduction().positions(), v1::POSITIONS_RESPONSE);
  EXPECT_EQ(asked.ddof(), 1u);
  EXPECT_TRUE(asked.magnitudes());
  EXPECT_EQ(asked.head_order(), v1::HEAD_ORDER_MAGNITUDE);
  EXPECT_EQ(asked.bootstrap().seed(), 7u);
  const auto json = run.Json();
  EXPECT_EQ(json["pattern"], "p-1");
  EXPECT_EQ(json["gini"], 0.5);
  EXPECT_EQ(json["intervals"]["gini"][1], 0.625);
  EXPECT_TRUE(json["cv"].is_null()) << "not defined";
  EXPECT_TRUE(json.contains("effective_heads"));
}

TEST_F(AnalysisCommandsTest, DescribePrintsATableAndCsv) {
  state().description.mutable_dispersion()->mutable_gini()->set_value(0.5);
  state().description.add_layer_totals()->set_value(3);
  v1::TopHead& head = *state().description.add_top_heads();
  head.set_head(1);
  head.set_value(2.5);
  const std::string table = Cli({"describe", "p-1"}).out;
  EXPECT_THAT(table, HasSubstr("gini"));
  EXPECT_THAT(table, HasSubstr("top heads"));
  EXPECT_THAT(Cli({"describe", "p-1", "--format", "csv"}).out, HasSubstr("gini,0.5,,\ncv,,,\n"));
}

TEST_F(AnalysisCommandsTest, CompareHasAMatrixForEveryMeasure) {
  AnswerComparison(3);

  const CliRun run = Cli({"compare", "j-1", "p-2", File(), "--format", "json"});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(state().compared.patterns_size(), 3);
  EXPECT_THAT(state().compared.measures(), IsEmpty()) << "all of them";
  EXPECT_FALSE(state().compared.has_bootstrap());
  EXPECT_FALSE(state().compared.has_permutation());
  const auto json = run.Json();
  EXPECT_THAT(json["patterns"], ElementsAre("p-0", "p-1", "p-2"));
  EXPECT_EQ(json["kendall_tau_b"][2][1], 0.75);
  EXPECT_EQ(json["layer_means_removed"]["kendall_tau_b"][1][1], 0.25);
  EXPECT_TRUE(json["layer_means_removed"]["kendall_tau_b"][0][1].is_null()) << "not defined";
  EXPECT_THAT(Cli({"compare", "a.npy", "b.npy"}).err, HasSubstr("cannot read a.npy"));
}

TEST_F(AnalysisCommandsTest, CompareTakesMeasuresIntervalsAndTests) {
  AnswerComparison(2);

  const CliRun run = Cli({"compare", "j-1", "p-2", "--measure", "pearson,top-k-overlap", "--measure", "rbo", "--top-k",
                          "3", "--intervals", "samples", "--permutations", "99", "--shuffle", "all-heads"});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_THAT(state().compared.measures(),
              ElementsAre(v1::MEASURE_PEARSON, v1::MEASURE_TOP_K_OVERLAP, v1::MEASURE_RBO));
  EXPECT_EQ(state().compared.top_k(), 3u);
  EXPECT_EQ(state().compared.resampled_unit(), v1::RESAMPLED_UNIT_SAMPLES);
  EXPECT_EQ(state().compared.permutation().permutations(), 99u);
  EXPECT_EQ(state().compared.permutation().scope(), v1::SHUFFLE_SCOPE_ALL_HEADS);
  EXPECT_THAT(run.out, HasSubstr("kendall_tau_b"));
  EXPECT_THAT(Cli({"compare", "j-1", "p-2", "--format", "csv"}).out,
              HasSubstr("p-0,p-1,kendall_tau_b,kept,0.75,,,\np-0,p-1,kendall_tau_b,removed,,,,\n"));
  const CliRun unknown = Cli({"compare", "j-1", "p-2", "--measure", "pearsn"});
  EXPECT_EQ(unknown.exit_status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean \"pearson\"?"));
}

TEST_F(AnalysisCommandsTest, DecomposeSubtractsEachBasesOwnBefore) {
  state().decomposition.mutable_target()->set_name("patterns/p-1");
  for (const char* name : {"patterns/p-2", "patterns/p-3"}) state().decomposition.add_basis()->set_name(name);
  for (const double value : {0.5, -0.25}) state().decomposition.add_coefficients()->set_value(value);
  state().decomposition.mutable_quality()->set_r2_centred(0.875);
  state().decomposition.set_condition_number(4);
  state().decomposition.add_vif(2);
  *state().decomposition.mutable_residuals() = Values({0, 1}, 1);

  const CliRun run = Cli({"decompose", "j-1", "--base", "p-0", "--basis", "p-2,p-3", "--basis-base", "p-4,p-5", "--fit",
                          "nnls", "--intercept", "--subsets", "--format", "json"});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  const v1::DecomposePatternRequest& asked = state().decomposed;
  EXPECT_EQ(asked.target().minus().name(), "p-0");
  ASSERT_EQ(asked.basis_size(), 2);
  EXPECT_EQ(asked.basis(1).name(), "p-3");
  EXPECT_EQ(asked.basis(1).minus().name(), "p-5");
  EXPECT_EQ(asked.fit(), v1::FIT_NNLS);
  EXPECT_TRUE(asked.intercept());
  EXPECT_TRUE(asked.rank_subsets());
  const auto json = run.Json();
  EXPECT_THAT(json["coefficients"], ElementsAre(0.5, -0.25));
  EXPECT_EQ(json["r2_centred"], 0.875);
  EXPECT_EQ(json["condition_number"], 4);
  EXPECT_THAT(json["vif"], ElementsAre(2));
  EXPECT_TRUE(json["intercept"].is_null());
  EXPECT_THAT(Cli({"decompose", "j-1", "--basis", "p-2,p-3"}).out, HasSubstr("do not report it alone"));
  EXPECT_FALSE(state().decomposed.target().has_minus());
}

TEST_F(AnalysisCommandsTest, DecomposeSaysWhatItLacks) {
  EXPECT_THAT(Cli({"decompose", "j-1"}).err, HasSubstr("decompose needs --basis"));
  EXPECT_THAT(Cli({"decompose", "j-1", "--basis", "p-1,p-2,p-3", "--base", "p-0", "--basis-base", "p-1,p-2"}).err,
              HasSubstr("one pattern or as many as in --basis (3), found 2"));
  const CliRun run = Cli({"decompose", "j-1", "--basis", "p-1", "--basis-base", "p-2"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("belongs to --base"));
}

TEST_F(AnalysisCommandsTest, CtrlCStopsAnAnalysis) {
  interrupted_ = [] { return true; };
  state().analyses_hang = true;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"describe", "p-1"}, {"track", "p-1", "p-2"}, {"decompose", "p-1", "--basis", "p-2"}}) {
    const CliRun run = Cli(command);
    EXPECT_EQ(run.exit_status, 130) << command[0];
    EXPECT_THAT(run.err, HasSubstr("stopped"));
    EXPECT_EQ(run.out, "");
  }
}

TEST_F(AnalysisCommandsTest, FilesThatAreTooManyForOneCallAreToBeImported) {
  const std::string file = Write("large.npy", NpyBytes({256, 512}, std::vector<double>(131072, 1)));
  const CliRun run = Cli({"compare", file, file, file, file, file});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("import some of the patterns"));
}

TEST_F(AnalysisCommandsTest, TrackPrintsEveryPoint) {
  for (int i = 0; i < 2; ++i) {
    v1::TrackPoint& point = *state().track.add_points();
    point.mutable_pattern()->set_name("patterns/p-" + std::to_string(i));
    point.mutable_against_first()->set_pearson(i == 0 ? 1 : 0.5);
    if (i > 0) point.mutable_against_previous()->set_mse(0.125);
  }
  const auto json = Cli({"track", "p-0", "p-1", "--format", "json"}).Json();
  ASSERT_THAT(json["points"], SizeIs(2));
  EXPECT_EQ(json["points"][1]["against_first"]["pearson"], 0.5);
  EXPECT_TRUE(json["points"][0]["against_previous"].is_null());
  EXPECT_EQ(json["points"][1]["against_previous"]["mse"], 0.125);
  EXPECT_THAT(Cli({"track", "p-0", "p-1"}).out, HasSubstr("p-1"));
}

TEST_F(AnalysisCommandsTest, RankStreamsAFile) {
  v1::RankedSample& sample = *state().ranking.add_samples();
  sample.set_id("2");
  sample.set_index(1);
  sample.set_score(0.75);
  state().ranking.set_pool_samples(3);
  const std::string pool = Write("pool.npy", NpyBytes({3, 1, 2}, {1, 2, 3, 4, 5, 6}));

  const CliRun run = Cli({"rank", "--target", "p-1", "--pool", pool, "--top", "1", "--measure", "pearson",
                          "--max-cosine", "0.99", "--candidates", "50", "--format", "json"});

  ASSERT_EQ(run.exit_status, 0) << run.err;
  ASSERT_THAT(state().ranked, SizeIs(2));
  const auto& header = state().ranked[0].header();
  EXPECT_EQ(header.target().name(), "p-1");
  EXPECT_EQ(header.top(), 1u);
  EXPECT_EQ(header.measure(), v1::RANK_MEASURE_PEARSON);
  EXPECT_EQ(header.diversity().max_cosine(), 0.99);
  EXPECT_EQ(header.diversity().candidates(), 50u);
  EXPECT_THAT(state().ranked[1].rows().scores().shape(), ElementsAre(3, 1, 2));
  const auto json = run.Json();
  EXPECT_EQ(json["samples"][0]["id"], "2");
  EXPECT_EQ(json["samples"][0]["score"], 0.75);
  EXPECT_EQ(json["pool_samples"], 3);
}

TEST_F(AnalysisCommandsTest, RankTakesAJobAsPool) {
  const CliRun run = Cli({"rank", "--target", "p-1", "--pool", "j-1", "--absolute", "none"});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  ASSERT_THAT(state().ranked, SizeIs(1));
  EXPECT_EQ(state().ranked[0].header().pool_job(), "j-1");
  EXPECT_EQ(state().ranked[0].header().pool_reduction().absolute(), v1::ABSOLUTE_NONE);
  EXPECT_THAT(Cli({"rank", "--target", "p-1"}).err, HasSubstr("rank needs --target P and --pool"));
  EXPECT_THAT(Cli({"rank", "--target", "p-1", "--pool", "j-1", "--ids", "x"}).err, HasSubstr("--ids belongs to"));
  EXPECT_THAT(Cli({"rank", "--target", "p-1", "--pool", "j-1", "--candidates", "9"}).err, HasSubstr("--max-cosine"));
}

TEST_F(AnalysisCommandsTest, AMixtureIsPlannedFromFlagsOrADecomposition) {
  v1::MixtureShare& share = *state().mixture.add_shares();
  share.set_name("add");
  share.set_samples(70);
  share.set_clipped(true);
  const CliRun run = Cli(
      {"plan-mixture", "--budget", "100", "--component", "add=0.7", "--component", "a=b=-0.1:5:50", "--cap", "add=80"});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  const v1::PlanMixtureRequest& asked = state().planned;
  EXPECT_EQ(asked.budget(), 100u);
  ASSERT_EQ(asked.components_size(), 2);
  EXPECT_EQ(asked.components(0).coefficient(), 0.7);
  EXPECT_EQ(asked.components(0).cap(), 80u);
  EXPECT_EQ(asked.components(1).name(), "a=b");
  EXPECT_EQ(asked.components(1).coefficient(), -0.1);
  EXPECT_EQ(asked.components(1).floor(), 5u);
  EXPECT_EQ(asked.components(1).cap(), 50u);
  EXPECT_THAT(run.out, HasSubstr("negative coefficient counts as 0"));

  const std::string file = Write("fit.json", R"({"basis": ["p-1", "p-2"], "coefficients": [0.5, 0.25]})");
  EXPECT_EQ(Cli({"plan-mixture", "--budget", "10", "--from", file, "--format", "json"}).Json()["shares"][0]["samples"],
            70);
  EXPECT_EQ(state().planned.components(1).name(), "p-2");
  EXPECT_EQ(Cli({"plan-mixture", "--budget", "10", "--from", Write("x.json", "{}")}).exit_status, 2);
  EXPECT_THAT(Cli({"plan-mixture", "--budget", "10"}).err, HasSubstr("--component NAME=COEFFICIENT"));
  EXPECT_THAT(Cli({"plan-mixture", "--budget", "10", "--component", "add"}).err, HasSubstr("NAME=COEFFICIENT"));
  EXPECT_THAT(Cli({"plan-mixture", "--budget", "10", "--component", "add=1", "--cap", "b=1"}).err,
              HasSubstr("no component \"b\""));
  const CliRun twice = Cli({"plan-mixture", "--budget", "10", "--component", "p-2=1", "--from", file});
  EXPECT_EQ(twice.exit_status, 2);
  EXPECT_THAT(twice.err, HasSubstr("\"p-2\" is given twice"));
}

TEST_F(AnalysisCommandsTest, ImportSendsTheFileWithItsLabels) {
  const CliRun run = Cli({"import", File(), "--label", "step=200", "--name", "ap", "--family", "llama",
                          "--samples-scored", "50", "--format", "json"});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  ASSERT_THAT(state().imported, SizeIs(1));
  EXPECT_THAT(*DecodeFloat64(state().imported[0].values()), ElementsAre(1, 3));
  EXPECT_EQ(state().imported[0].display_name(), "ap");
  EXPECT_EQ(state().imported[0].origin(), "after.npy");
  EXPECT_EQ(state().imported[0].labels().at("step"), "200");
  EXPECT_EQ(state().imported[0].samples_scored(), 50u);
  EXPECT_EQ(run.Json()["pattern"], "p-1");
}

TEST_F(AnalysisCommandsTest, ExportWritesEveryForm) {
  for (const char* name : {"p.npy", "p.npz", "p.json", "p.csv"}) {
    const CliRun run = Cli({"export", "j-1", "-o", Path(name)});
    EXPECT_EQ(run.exit_status, 0) << run.err;
  }
  EXPECT_EQ(Read(Path("p.npy")), NpyBytes({1, 2}, {0.5, 0.25}));
  EXPECT_EQ(Read(Path("p.csv")), "layer,head,value,standard_error\n0,0,0.5,0.1\n0,1,0.25,0.2\n");
  EXPECT_EQ(nlohmann::json::parse(Read(Path("p.json")))["pattern"], nlohmann::json::parse("[[0.5, 0.25]]"));
  EXPECT_EQ(state().patterns_asked[0].name(), "jobs/j-1");
  EXPECT_THAT(Cli({"export", "j-1"}).err, HasSubstr("-o FILE"));
  EXPECT_THAT(Cli({"export", "j-1", "-o", Path("x.txt")}).err, HasSubstr("-o FILE with .npy"));
}

TEST_F(AnalysisCommandsTest, ExportWritesTheStoredPlanes) {
  state().result = "the stored bytes";
  ASSERT_EQ(Cli({"export", "p-1", "-o", Path("planes.safetensors")}).exit_status, 0);
  EXPECT_EQ(Read(Path("planes.safetensors")), "the stored bytes");
  EXPECT_THAT(Cli({"export", "p-1", "-o", Path("planes.safetensors"), "--positions", "prompt"}).err,
              HasSubstr("do not belong to .safetensors"));
}

TEST_F(AnalysisCommandsTest, PatternsAreListedAndDeleted) {
  state().patterns.resize(1);
  state().patterns[0].set_name("patterns/p-7");
  state().patterns[0].mutable_imported()->set_origin("script");
  (*state().patterns[0].mutable_labels())["task"] = "copy";
  const CliRun run = Cli({"patterns", "--source", "imported", "--label", "task=copy", "--format", "json"});
  ASSERT_EQ(run.exit_status, 0) << run.err;
  EXPECT_EQ(state().patterns_listed[0].source(), v1::ListPatternsRequest::SOURCE_IMPORTED);
  EXPECT_EQ(run.Json()["patterns"][0]["id"], "p-7");
  EXPECT_EQ(run.Json()["patterns"][0]["labels"]["task"], "copy");
  EXPECT_THAT(Cli({"patterns"}).out, HasSubstr("task=copy"));
  EXPECT_THAT(Cli({"patterns", "--source", "paper"}).err, HasSubstr("job or imported"));
  EXPECT_EQ(Cli({"delete", "p-7"}).out, "p-7\n");
  EXPECT_THAT(state().deleted, ElementsAre("patterns/p-7"));
}

}  // namespace
}  // namespace headscope::cli
