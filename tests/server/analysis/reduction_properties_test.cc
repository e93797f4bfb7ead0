// Properties over random planes: agreement with the definition written out, and independence of how samples are cut.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "server/analysis/reduction.h"

namespace headscope::server {
namespace {

constexpr std::uint32_t kLayers = 3;
constexpr std::uint32_t kHeads = 6;
constexpr std::uint32_t kKvHeads = 2;
constexpr std::uint32_t kSamples = 29;

ScoreBlock RandomBlock(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> score;
  ScoreBlock block;
  block.layers = kLayers;
  block.heads = kHeads;
  for (std::uint32_t i = 0; i < kSamples; ++i) {
    block.samples.push_back(2 * i + 1);
    block.tokens.push_back(20 + random() % 50);
    block.response_tokens.push_back(1 + random() % 19);
    block.objective.push_back(1.0);
  }
  for (const char* plane : {kPromptSigned, kResponseSigned, kPromptAbsolute, kResponseAbsolute}) {
    auto& values = block.planes[plane];
    for (std::uint32_t i = 0; i < kSamples * kLayers * kHeads; ++i) values.push_back(score(random));
  }
  return block;
}

ScoreBlock Slice(const ScoreBlock& block, std::size_t begin, std::size_t end) {
  ScoreBlock slice;
  slice.layers = block.layers;
  slice.heads = block.heads;
  const auto cut = [&](const auto& from, auto& to, std::size_t width) {
    to.assign(from.begin() + begin * width, from.begin() + end * width);
  };
  cut(block.samples, slice.samples, 1);
  cut(block.tokens, slice.tokens, 1);
  cut(block.response_tokens, slice.response_tokens, 1);
  cut(block.objective, slice.objective, 1);
  for (const auto& [name, values] : block.planes) cut(values, slice.planes[name], kLayers * kHeads);
  return slice;
}

// Scores of sample `row`, [layers, columns]: the first three steps as headscope.v1.Reduction names them.
std::vector<double> SampleScores(const ReductionOptions& options, const ScoreBlock& block, std::size_t row) {
  const std::uint32_t columns = options.head_axis == HeadAxis::kKvGroup ? kKvHeads : kHeads;
  const std::uint32_t group = kHeads / columns;
  const bool per_token = options.absolute == Absolute::kPerToken;
  std::vector<double> scores(kLayers * columns);
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    for (std::uint32_t head = 0; head < kHeads; ++head) {
      const std::size_t at = (row * kLayers + layer) * kHeads + head;
      double& score = scores[layer * columns + head / group];
      if (options.positions != Positions::kResponse) {
        score += block.planes.at(per_token ? kPromptAbsolute : kPromptSigned)[at];
      }
      if (options.positions != Positions::kPrompt) {
        score += block.planes.at(per_token ? kResponseAbsolute : kResponseSigned)[at];
      }
    }
  }
  if (options.absolute == Absolute::kPerSample) {
    for (double& score : scores) score = std::fabs(score);
  }
  return scores;
}

double ScaleOf(const ReductionOptions& options, const ScoreBlock& block, std::size_t row) {
  if (options.loss_scale == LossScale::kPerSampleMean) return 1;
  if (options.loss_scale == LossScale::kSum) return block.response_tokens[row];
  const std::size_t first = row / options.script_batch * options.script_batch;
  double tokens = 0;
  for (std::size_t i = first; i < std::min<std::size_t>(first + options.script_batch, kSamples); ++i) {
    tokens += block.response_tokens[i];
  }
  return block.response_tokens[row] / tokens;
}

// Mean and standard error in two passes over all samples, then the layer norm.
void ExpectByDefinition(const ReductionOptions& options, const ScoreBlock& block, const ReducedPattern& pattern) {
  std::vector<std::vector<double>> scores;
  for (std::size_t row = 0; row < kSamples; ++row) {
    scores.push_back(SampleScores(options, block, row));
    for (double& score : scores.back()) score *= ScaleOf(options, block, row);
  }
  const std::size_t columns = pattern.heads;
  std::vector<double> means(scores[0].size()), errors(scores[0].size()), norms(kLayers, 1.0);
  for (std::size_t i = 0; i < means.size(); ++i) {
    for (const auto& sample : scores) means[i] += sample[i] / kSamples;
    for (const auto& sample : scores) errors[i] += (sample[i] - means[i]) * (sample[i] - means[i]);
    errors[i] = std::sqrt(errors[i] / (kSamples - 1)) / std::sqrt(kSamples);
  }
  if (options.layer_norm == LayerNorm::kL2) {
    for (std::size_t layer = 0; layer < kLayers; ++layer) {
      double squares = 0;
      for (std::size_t i = 0; i < columns; ++i) squares += means[layer * columns + i] * means[layer * columns + i];
      norms[layer] = std::sqrt(squares) + 1e-20;
    }
  }
  ASSERT_EQ(pattern.values.size(), means.size());
  for (std::size_t i = 0; i < means.size(); ++i) {
    const double norm = norms[i / columns];
    EXPECT_NEAR(pattern.values[i], means[i] / norm, 1e-12 * std::max(1.0, std::fabs(means[i] / norm)));
    EXPECT_NEAR((*pattern.standard_error)[i], errors[i] / norm, 1e-12 * std::max(1.0, errors[i] / norm));
  }
}

std::vector<ReductionOptions> AllReductions() {
  std::vector<ReductionOptions> all;
  for (const auto loss : {LossScale::kPerSampleMean, LossScale::kSum, LossScale::kBatchTokenMean}) {
    for (const auto absolute : {Absolute::kPerSample, Absolute::kNone, Absolute::kPerToken}) {
      for (const auto positions : {Positions::kAll, Positions::kPrompt, Positions::kResponse}) {
        for (const auto norm : {LayerNorm::kNone, LayerNorm::kL2}) {
          for (const auto axis : {HeadAxis::kQuery, HeadAxis::kKvGroup}) {
            const ReductionOptions options{loss, 4, absolute, positions, norm, axis};
            if (CheckReduction(options).ok()) all.push_back(options);
          }
        }
      }
    }
  }
  return all;
}

ReducedPattern Reduced(const ReductionOptions& options, const ScoreBlock& block, const std::vector<std::size_t>& cuts) {
  auto accumulator = PatternAccumulator::Make(options, {kLayers, kHeads, kKvHeads});
  std::size_t begin = 0;
  for (const std::size_t end : cuts) {
    EXPECT_TRUE(accumulator->Add(Slice(block, begin, end)).ok());
    begin = end;
  }
  EXPECT_TRUE(accumulator->Add(Slice(block, begin, kSamples)).ok());
  return *accumulator->Finish();
}

TEST(ReductionPropertiesTest, EveryCombinationFollowsTheDefinition) {
  const ScoreBlock block = RandomBlock(1);
  const auto reductions = AllReductions();
  // 3 * 3 * 3 * 2 * 2 without the KV groups of per-token absolute values.
  ASSERT_EQ(reductions.size(), 90u);
  for (const ReductionOptions& options : reductions) ExpectByDefinition(options, block, Reduced(options, block, {}));
}

TEST(ReductionPropertiesTest, HowSamplesAreCutIntoBlocksChangesNoBit) {
  const ScoreBlock block = RandomBlock(2);
  std::mt19937 random(3);
  for (const ReductionOptions& options : AllReductions()) {
    const ReducedPattern whole = Reduced(options, block, {});
    std::vector<std::size_t> cuts;
    for (std::size_t at = 1; at < kSamples; ++at) {
      if (random() % 3 == 0) cuts.push_back(at);
    }
    const ReducedPattern pieces = Reduced(options, block, cuts);
    EXPECT_EQ(whole.values, pieces.values);
    EXPECT_EQ(whole.standard_error, pieces.standard_error);
  }
}

TEST(ReductionPropertiesTest, PermutingHeadsPermutesThePattern) {
  const ScoreBlock block = RandomBlock(4);
  ScoreBlock reversed = block;
  for (auto& [name, values] : reversed.planes) {
    for (std::size_t row = 0; row < values.size(); row += kHeads) {
      std::reverse(values.begin() + row, values.begin() + row + kHeads);
    }
  }
  const auto straight = Reduced({}, block, {}).values;
  const auto mirrored = Reduced({}, reversed, {}).values;
  for (std::size_t i = 0; i < straight.size(); ++i) {
    EXPECT_EQ(straight[i], mirrored[i / kHeads * kHeads + kHeads - 1 - i % kHeads]);
  }
}

}  // namespace
}  // namespace headscope::server
