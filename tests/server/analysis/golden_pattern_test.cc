// The default reduction of the reference implementation's signed scores is its pattern.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "server/analysis/reduction.h"

namespace headscope::server {
namespace {

using Json = nlohmann::json;

// The signed scores of the case as planes, a quarter of each over the prompt.
ScoreBlock BlockOf(const Json& expected) {
  ScoreBlock block;
  block.layers = expected["pattern"].size();
  block.heads = expected["pattern"][0].size();
  for (std::size_t i = 0; i < expected["samples"].size(); ++i) {
    const Json& sample = expected["samples"][i];
    block.samples.push_back(i);
    block.tokens.push_back(8);
    block.response_tokens.push_back(4);
    block.objective.push_back(sample["nll"].get<double>());
    for (const Json& layer : sample["signed"]) {
      for (const Json& score : layer) {
        block.planes[kPromptSigned].push_back(0.25 * score.get<double>());
        block.planes[kResponseSigned].push_back(0.75 * score.get<double>());
      }
    }
  }
  return block;
}

TEST(GoldenPatternTest, DefaultReductionOfSignedScoresIsThePattern) {
  const std::filesystem::path golden = std::filesystem::path(HEADSCOPE_SHARED_DIR) / "golden";
  if (!std::filesystem::exists(golden)) GTEST_SKIP() << "no golden cases in " << golden;
  int cases = 0;
  for (const auto& folder : std::filesystem::directory_iterator(golden)) {
    std::ifstream file(folder.path() / "expected.json");
    if (!file) continue;
    const Json expected = Json::parse(file);
    const ScoreBlock block = BlockOf(expected);
    auto accumulator = PatternAccumulator::Make({}, {block.layers, block.heads, 0});
    ASSERT_TRUE(accumulator->Add(block).ok());
    const auto pattern = accumulator->Finish();
    double largest = 0;
    for (const Json& layer : expected["pattern"]) {
      for (const Json& score : layer) largest = std::max(largest, score.get<double>());
    }
    // The planes are float32: half a unit of 2^-24 per part and sample.
    for (std::size_t i = 0; i < pattern->values.size(); ++i) {
      const double wanted = expected["pattern"][i / block.heads][i % block.heads].get<double>();
      EXPECT_NEAR(pattern->values[i], wanted, 2e-7 * largest) << folder.path();
    }
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

}  // namespace
}  // namespace headscope::server
