#include "tests/client/report/sample_report.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace headscope::report::tests {
namespace {

using client::Estimate;
using client::Interval;
using client::Matrix;
using client::Measure;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Numbers in [0, 1) that are the same everywhere; the standard's distributions are not.
class Uniform {
 public:
  explicit Uniform(unsigned seed) : engine_(seed) {}
  double operator()() { return static_cast<double>(engine_()) / 4294967296.0; }

 private:
  std::mt19937 engine_;
};

Matrix Filled(std::size_t rows, std::size_t columns, double value) {
  return {rows, columns, std::vector<double>(rows * columns, value)};
}

// A few strong heads among many weak ones, stronger in later layers.
Matrix Values(const SampleShape& shape, std::size_t pattern) {
  Uniform common(1), own(static_cast<unsigned>(pattern) + 2);
  Matrix values = Filled(shape.layers, shape.heads, 0);
  for (std::size_t index = 0; index < values.values.size(); ++index) {
    const double depth = static_cast<double>(index / shape.heads) / static_cast<double>(shape.layers);
    const double size = std::exp(3 * common() + 1.5 * own() + depth - 12);
    values.values[index] = shape.is_signed && own() < 0.3 ? -size : size;
  }
  return values;
}

Matrix StandardError(const Matrix& values) {
  Matrix error = values;
  for (double& value : error.values) value = 0.08 * std::abs(value);
  return error;
}

Estimate Around(double value) { return {value, Interval{0.9 * value, 1.12 * value}}; }

client::Dispersion DispersionOf(std::size_t pattern) {
  const double step = 1.0 / (1.0 + static_cast<double>(pattern));
  return {Around(0.3 + 0.2 * step), Around(0.7 + 0.5 * step), Around(5 + 90 * step),
          Around(8 + 90 * step),    Around(6 - step),         Around(400 - 200 * step)};
}

client::Description DescriptionOf(const Matrix& values, std::size_t pattern) {
  client::Description description;
  description.layers = static_cast<std::uint32_t>(values.rows);
  description.heads = static_cast<std::uint32_t>(values.columns);
  description.dispersion = DispersionOf(pattern);
  description.bootstrap = {1000, 0.95, 0};
  double all = 0;
  for (std::size_t layer = 0; layer < values.rows; ++layer) {
    double total = 0;
    for (std::size_t head = 0; head < values.columns; ++head) total += values.At(layer, head);
    description.layer_totals.push_back(Around(total));
    all += total;
  }
  description.total = Around(all);
  for (std::uint32_t head = 0; head < 3; ++head) {
    const double value = values.At(0, head);
    description.top_heads.push_back({0, head, value, 0.08 * std::abs(value), Around(value).interval, 1 - 0.1 * head});
  }
  return description;
}

client::SimilarityMatrices Similarities(std::size_t patterns, double unlikeness) {
  client::SimilarityMatrices matrices{Filled(patterns, patterns, 1), Filled(patterns, patterns, 1),
                                      Filled(patterns, patterns, 1), Filled(patterns, patterns, kNan)};
  for (std::size_t row = 0; row < patterns; ++row) {
    for (std::size_t column = 0; column < patterns; ++column) {
      if (row == column) continue;
      const double distance = std::abs(static_cast<double>(row) - static_cast<double>(column));
      const double value = 1 - unlikeness * std::sqrt(distance);
      const std::size_t index = row * patterns + column;
      matrices.values.values[index] = value;
      matrices.low->values[index] = value - 0.04;
      matrices.high->values[index] = std::min(value + 0.03, 1.0);
      matrices.p_values->values[index] = 0.001;
    }
  }
  return matrices;
}

client::Comparison ComparisonOf(std::size_t patterns) {
  client::Comparison comparison;
  comparison.top_k = 10;
  comparison.rbo_p = 0.9;
  comparison.top_k_overlap_by_chance = 0.1;
  comparison.top_k_jaccard_by_chance = 0.053;
  comparison.bootstrap = {1000, 0.95, 0};
  comparison.permutation = client::Permutation{1000, client::ShuffleScope::kWithinLayers, 0};
  for (const Measure measure : {Measure::kPearson, Measure::kSpearman, Measure::kKendallTauB, Measure::kCosine,
                                Measure::kTopKOverlap, Measure::kTopKJaccard, Measure::kRbo}) {
    comparison.measures[{measure, false}] = Similarities(patterns, 0.12);
    comparison.measures[{measure, true}] = Similarities(patterns, 0.3);
  }
  client::SimilarityMatrices mse{Filled(patterns, patterns, 0), {}, {}, {}};
  for (std::size_t row = 0; row < patterns; ++row) {
    for (std::size_t column = 0; column < patterns; ++column) {
      mse.values.values[row * patterns + column] =
          1.7e-7 * std::abs(static_cast<double>(row) - static_cast<double>(column));
    }
  }
  comparison.measures[{Measure::kMse, false}] = mse;
  comparison.measures[{Measure::kMse, true}] = mse;
  return comparison;
}

std::vector<client::TrackPoint> TrackOf(std::size_t patterns) {
  std::vector<client::TrackPoint> track;
  for (std::size_t index = 0; index < patterns; ++index) {
    const double near = static_cast<double>(index) / static_cast<double>(patterns);
    client::TrackPoint point;
    point.dispersion = DispersionOf(index);
    point.against_first = {2e-7 * near, 1 - 0.4 * std::sqrt(near), 1 - 0.5 * near, 1 - 0.2 * near};
    if (index > 0) point.against_previous = client::Change{1e-7 / (1.0 + near), 0.9 + 0.1 * near, 0.88, 0.95};
    point.against_last = {2e-7 * (1 - near), 0.6 + 0.4 * near, 0.5 + 0.5 * near, 0.8 + 0.2 * near};
    track.push_back(point);
  }
  return track;
}

LabelledDecomposition DecompositionOf(const SampleShape& shape) {
  LabelledDecomposition labelled;
  labelled.target = "word problems";
  labelled.basis = {"arithmetic", "reading & logic", "code"};
  client::Decomposition& decomposition = labelled.decomposition;
  decomposition.coefficients = {
      {0.62, {}, Interval{0.51, 0.7}}, {0.31, {}, Interval{0.2, 0.44}}, {-0.05, {}, Interval{-0.12, 0.03}}};
  decomposition.intercept = client::Coefficient{2e-5, {}, Interval{1e-5, 3e-5}};
  decomposition.quality = {1e-6, 0.87, 0.97, 0.868};
  decomposition.r2_with_intercept = 0.87;
  decomposition.condition_number = 18.4;
  decomposition.scaled_condition_number = 7.1;
  decomposition.vif = {4.2, 3.9, 1.3};
  decomposition.permutation_null = client::PermutationNull{0.001, 0.12, 0.19};
  decomposition.subsets = {{{0, 1}, {0.6, 0.33}, 0, {1e-6, 0.86, 0.97, 0.859}},
                           {{0}, {0.9}, 0, {2e-6, 0.7, 0.94, 0.69}}};
  decomposition.residuals = Values({shape.layers, shape.heads, 1, true}, 77);
  return labelled;
}

}  // namespace

report::Report SampleReport(const SampleShape& shape) {
  report::Report report;
  report.title = "How fine-tuning on word problems changes the heads that are used";
  for (std::size_t index = 0; index < shape.patterns; ++index) {
    LabelledPattern pattern;
    pattern.label = index == 0 ? "0" : absl::StrCat(25 * index * index);
    pattern.subtitle =
        index == 0 ? "base model, 1,319 samples" : absl::StrCat("step ", 25 * index * index, ", 1,319 samples");
    pattern.values = Values(shape, index);
    pattern.standard_error = StandardError(pattern.values);
    pattern.provenance = {{"Model", absl::StrCat("run/checkpoint-", 25 * index * index)},
                          {"Model digest", "sha256:3f1c5e7a9b2d4f6081a3c5e7f90b1d2f4a6c8e0f1b3d5f708192a4b6c8d0e2f4"},
                          {"Method", "gradient, per sample, all positions"},
                          {"Samples", "1319 of 1319"}};
    pattern.description = DescriptionOf(pattern.values, index);
    report.patterns.push_back(std::move(pattern));
  }
  report.comparison = ComparisonOf(shape.patterns);
  report.track = TrackOf(shape.patterns);
  report.decompositions = {DecompositionOf(shape)};
  return report;
}

report::Report SinglePattern() {
  report::Report report;
  report.title = "One pattern";
  report.patterns.push_back({"copy", "", Values({4, 8, 1, false}, 0), {}, {}, {}});
  return report;
}

report::Report HostileReport(const std::string& text) {
  report::Report report = SampleReport({});
  report.title = text;
  for (LabelledPattern& pattern : report.patterns) {
    pattern.label = text;
    pattern.subtitle = text;
    for (ProvenanceLine& line : pattern.provenance) line = {text, text};
    pattern.values = Filled(4, 4, kNan);
    pattern.description->dispersion = {};
    pattern.description->total = {};
    for (Estimate& total : pattern.description->layer_totals) total = {};
    pattern.description->top_heads = {{0, 0, kNan, {}, {}, {}}};
  }
  for (auto& [key, matrices] : report.comparison->measures) matrices = {Filled(3, 3, kNan), {}, {}, {}};
  for (client::TrackPoint& point : report.track) point = {};
  LabelledDecomposition& labelled = report.decompositions.front();
  labelled.target = text;
  for (std::string& label : labelled.basis) label = text;
  labelled.decomposition.quality = {};
  labelled.decomposition.condition_number = std::numeric_limits<double>::infinity();
  labelled.decomposition.vif.clear();
  return report;
}

}  // namespace headscope::report::tests
