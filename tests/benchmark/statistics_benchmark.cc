// What comparing and ranking patterns costs: 1,000 patterns of 1,024 heads, each with each; samples of 1,024 heads
// against a target beside reading their bytes alone.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/analysis/statistics/sample_ranking.h"
#include "server/analysis/statistics/similarity.h"

namespace headscope::server {
namespace {

using benchmark::Counter;

constexpr std::uint32_t kLayers = 32, kHeads = 32;
constexpr std::size_t kPatterns = 1000;

std::vector<double> Draw(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::gamma_distribution<double> gamma(0.7);
  std::vector<double> values(count);
  for (double& value : values) value = gamma(random);
  return values;
}

PatternMatrix DrawPattern(std::uint32_t seed) {
  PatternMatrix pattern;
  pattern.layers = kLayers;
  pattern.heads = kHeads;
  pattern.values = Draw(std::size_t{kLayers} * kHeads, seed);
  return pattern;
}

void EachWithEach(benchmark::State& state, Measure measure) {
  std::vector<PatternMatrix> patterns;
  for (std::uint32_t i = 0; i < kPatterns; ++i) patterns.push_back(DrawPattern(i));
  SimilarityOptions options;
  options.top_k = kLayers * kHeads / 10;
  for (auto _ : state) {
    const auto matrix = SimilarityMatrix({measure, true}, patterns, options, [] { return absl::OkStatus(); });
    benchmark::DoNotOptimize(matrix->data());
  }
  constexpr double kPairs = kPatterns * (kPatterns - 1) / 2.0;
  state.counters["pairs"] = Counter(kPairs, Counter::kIsIterationInvariantRate);
}

void Rank(benchmark::State& state, RankMeasure measure, bool diverse) {
  constexpr std::size_t kSamples = 4096, kSize = std::size_t{kLayers} * kHeads;
  const std::vector<double> scores = Draw(kSamples * kSize, 1);
  RankOptions options;
  options.measure = measure;
  if (diverse) options.max_cosine = 0.9, options.candidates = 1000;
  for (auto _ : state) {
    auto ranking = SampleRanking::Make(DrawPattern(2), options);
    for (std::size_t i = 0; i < kSamples; ++i) {
      const absl::Status added = ranking->Add(std::to_string(i), i, &scores[i * kSize], kSize);
      benchmark::DoNotOptimize(added.ok());
    }
    benchmark::DoNotOptimize(ranking->Finish().samples.data());
  }
  state.counters["samples"] = Counter(kSamples, Counter::kIsIterationInvariantRate);
  state.counters["bytes"] = Counter(kSamples * kSize * sizeof(double), Counter::kIsIterationInvariantRate);
}

void ReadAlone(benchmark::State& state) {
  const std::vector<double> scores = Draw(std::size_t{4096} * kLayers * kHeads, 1);
  for (auto _ : state) benchmark::DoNotOptimize(std::accumulate(scores.begin(), scores.end(), 0.0));
  state.counters["bytes"] =
      Counter(static_cast<double>(scores.size() * sizeof(double)), Counter::kIsIterationInvariantRate);
}

#define HEADSCOPE_MEASURE(name) \
  BENCHMARK_CAPTURE(EachWithEach, name, Measure::k##name)->Unit(benchmark::kMillisecond)->Iterations(1)
HEADSCOPE_MEASURE(Pearson);
HEADSCOPE_MEASURE(Spearman);
HEADSCOPE_MEASURE(KendallTauB);
HEADSCOPE_MEASURE(Cosine);
HEADSCOPE_MEASURE(Mse);
HEADSCOPE_MEASURE(TopKOverlap);
HEADSCOPE_MEASURE(TopKJaccard);
HEADSCOPE_MEASURE(RankBiasedOverlap);
#undef HEADSCOPE_MEASURE

BENCHMARK_CAPTURE(Rank, Cosine, RankMeasure::kCosine, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Rank, Pearson, RankMeasure::kPearson, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Rank, Projection, RankMeasure::kProjection, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Rank, CosineDiverse, RankMeasure::kCosine, true)->Unit(benchmark::kMillisecond);
BENCHMARK(ReadAlone)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headscope::server

BENCHMARK_MAIN();
