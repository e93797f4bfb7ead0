#include "client/cli/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "client/cli/npy.h"
#include "nlohmann/json.hpp"
#include "tests/client/safetensors_writer.h"

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two layers of two heads.
Result SampleResult() {
  Result result;
  result.job.id = "j-1";
  result.job.spec.compute.engine = client::Engine::kReference;
  result.job.spec.execution.batch_tokens = 1024;
  result.job.spec.labels = {{"task", "copy"}};
  result.pattern.values = {2, 2, {0.1, 1.0 / 3, 0.25, 0}};
  result.pattern.standard_error = client::Matrix{2, 2, {0.01, 0.02, 0.03, 0.04}};
  result.pattern.provenance.model = "demo";
  result.pattern.provenance.model_digest = std::string(32, '\xab');
  result.pattern.provenance.samples_skipped = {{"TOO_LONG", 1}};
  result.skipped = {{4, "x", "TOO_LONG", "500 tokens, the model takes 128"}};
  return result;
}

TEST(ResultJsonTest, HasTheKeysOfTheContract) {
  Result result = SampleResult();
  result.limit = 10;

  const auto json = nlohmann::json::parse(*ResultJson(result));

  EXPECT_EQ(json["job"], "j-1");
  EXPECT_EQ(json["model"]["name"], "demo");
  EXPECT_EQ(json["model"]["digest"].get<std::string>().substr(0, 11), "sha256:abab");
  EXPECT_EQ(json["method"], "gradient");
  EXPECT_EQ(json["layers"], 2);
  EXPECT_EQ(json["heads"], 2);
  EXPECT_EQ(json["pattern"], nlohmann::json::parse("[[0.1, 0.3333333333333333], [0.25, 0.0]]"));
  EXPECT_EQ(json["pattern"][0][1].get<double>(), 1.0 / 3);
  EXPECT_EQ(json["standard_error"][1][0], 0.03);
  EXPECT_FALSE(json.contains("samples"));
  EXPECT_EQ(json["options"], nlohmann::json::parse(R"({
    "method": "gradient", "engine": "reference", "dtype": "float32", "append_eos": true, "max_tokens": null,
    "on_invalid": "refuse", "tokens": false, "loss_scale": "per-sample-mean", "script_batch": null, "absolute": "per-sample",
    "positions": "all", "layer_norm": "none", "head_axis": "query", "limit": 10, "batch_tokens": 1024,
    "label": {"task": "copy"}})"));
  EXPECT_EQ(json["provenance"]["samples_skipped"]["TOO_LONG"], 1);
  EXPECT_EQ(json["provenance"]["skipped"][0]["id"], "x");
}

TEST(ResultJsonTest, OptionsShowTheReductionAsApplied) {
  Result result = SampleResult();
  result.pattern.reduction.loss_scale = client::LossScale::kBatchTokenMean;

  const auto options = nlohmann::json::parse(*ResultJson(result))["options"];

  EXPECT_EQ(options["loss_scale"], "batch-token-mean");
  EXPECT_EQ(options["script_batch"], 4);
}

TEST(ResultJsonTest, StandardErrorOfASingleSampleIsNull) {
  Result result = SampleResult();
  result.pattern.standard_error.reset();

  EXPECT_TRUE(nlohmann::json::parse(*ResultJson(result))["standard_error"].is_null());
}

TEST(ResultJsonTest, SamplesCarryRawSums) {
  Result result = SampleResult();
  result.scores = *client::ParseScores(tests::WriteSafetensors(tests::TwoSamples()));

  EXPECT_EQ(nlohmann::json::parse(*ResultJson(result))["samples"], nlohmann::json::parse(R"([
    {"id": "a", "tokens": 5, "response_tokens": 3, "objective": 1.25, "signed": [[1.5, -2.0]]},
    {"id": "b", "tokens": 7, "response_tokens": 4, "objective": 2.5, "signed": [[0.5, 0.25]]}])"));
}

// The scores of two samples with their tokens; without strings on request.
client::Scores ScoresWithTokens(bool strings) {
  std::vector<tests::NamedTensor> tensors = tests::TwoSamples();
  std::vector<tests::NamedTensor> tokens = tests::TokensOfTwoSamples();
  tokens.resize(strings ? 5 : 3);
  tensors.insert(tensors.end(), tokens.begin(), tokens.end());
  return *client::ParseScores(tests::WriteSafetensors(tensors));
}

TEST(ResultJsonTest, SamplesCarryTheirTokensWhereTheJobRecordedThem) {
  Result result = SampleResult();
  result.scores = ScoresWithTokens(true);

  EXPECT_EQ(nlohmann::json::parse(*ResultJson(result))["samples"][0], nlohmann::json::parse(R"(
    {"id": "a", "tokens": 5, "response_tokens": 3, "objective": 1.25, "signed": [[1.5, -2.0]],
     "token_ids": [10, 11, 12, 13, 14], "token_strings": ["t10", "t11", "t12", "t13", "t14"],
     "response_mask": [0, 0, 1, 1, 1]})"));
}

TEST(ResultJsonTest, TokenStringsOfAModelWithoutATokenizerAreNull) {
  Result result = SampleResult();
  result.scores = ScoresWithTokens(false);

  const auto sample = nlohmann::json::parse(*ResultJson(result))["samples"][1];

  EXPECT_EQ(sample["token_ids"], nlohmann::json::parse("[20, 21, 22, 23, 24, 25, 26]"));
  EXPECT_EQ(sample["response_mask"], nlohmann::json::parse("[0, 0, 0, 1, 1, 1, 1]"));
  EXPECT_TRUE(sample.at("token_strings").is_null());
}

TEST(ResultCsvTest, HasOneLineAHead) {
  EXPECT_EQ(ResultCsv(SampleResult()),
            "layer,head,value,standard_error\n"
            "0,0,0.1,0.01\n"
            "0,1,0.3333333333333333,0.02\n"
            "1,0,0.25,0.03\n"
            "1,1,0,0.04\n");
}

TEST(ResultTableTest, PlainFormShowsNumbersAndNamesTheTopHeads) {
  const std::string table = ResultTable(SampleResult(), {});

  EXPECT_THAT(table, HasSubstr("layer  head 0  head 1\n"
                               "    0     0.1  0.3333\n"
                               "    1    0.25       0\n"));
  EXPECT_THAT(table, HasSubstr("top heads:\n"
                               "  layer 0 head 1  0.3333 ± 0.02\n"
                               "  layer 1 head 0  0.25 ± 0.03\n"));
}

TEST(ResultTableTest, NamesKeyValueHeads) {
  Result result = SampleResult();
  result.pattern.reduction.head_axis = client::HeadAxis::kKvGroup;

  EXPECT_THAT(ResultTable(result, {}), HasSubstr("layer 0 kv head 1"));
}

TEST(ResultTableTest, SummarisesSamples) {
  Result result = SampleResult();
  result.scores = *client::ParseScores(tests::WriteSafetensors(tests::TwoSamples()));

  EXPECT_THAT(ResultTable(result, {}), HasSubstr("a            5                3       1.25  layer 0 head 1"));
}

// Header and values of .npy bytes; the header without its padding.
std::pair<std::string, std::vector<double>> ReadNpy(const std::string& bytes) {
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const std::size_t size = static_cast<unsigned char>(bytes[8]) + 256 * static_cast<unsigned char>(bytes[9]);
  EXPECT_EQ((10 + size) % 64, 0);
  EXPECT_EQ(bytes[9 + size], '\n');
  std::string header = bytes.substr(10, size);
  header.erase(header.find_last_not_of(" \n") + 1);
  std::vector<double> values((bytes.size() - 10 - size) / sizeof(double));
  std::memcpy(values.data(), bytes.data() + 10 + size, values.size() * sizeof(double));
  return {header, values};
}

TEST(ResultNpyTest, IsThePatternInFloat64) {
  const auto [header, values] = ReadNpy(*ResultNpy(SampleResult()));

  EXPECT_EQ(header, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }");
  EXPECT_THAT(values, ElementsAre(0.1, 1.0 / 3, 0.25, 0));
}

TEST(ResultNpyTest, WithSamplesIsAPool) {
  Result result = SampleResult();
  result.scores = *client::ParseScores(tests::WriteSafetensors(tests::TwoSamples()));

  const auto [header, values] = ReadNpy(*ResultNpy(result));

  EXPECT_THAT(header, HasSubstr("'shape': (2, 1, 2)"));
  EXPECT_THAT(values, ElementsAre(1.5, -2, 0.5, 0.25));
}

TEST(NpyBytesTest, OneAxisKeepsItsComma) {
  EXPECT_THAT(ReadNpy(NpyBytes({2}, {1, 2})).first, HasSubstr("'shape': (2,)"));
}

}  // namespace
}  // namespace headscope::cli
