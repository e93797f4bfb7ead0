#include "server/analysis/statistics/description.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

namespace headscope::server {
namespace {

constexpr std::array<std::pair<std::optional<double> Dispersion::*, Estimate Description::*>, 6> kDispersions{
    {{&Dispersion::gini, &Description::gini},
     {&Dispersion::cv, &Description::cv},
     {&Dispersion::kurtosis_fisher, &Description::kurtosis_fisher},
     {&Dispersion::kurtosis_pearson, &Description::kurtosis_pearson},
     {&Dispersion::entropy, &Description::entropy},
     {&Dispersion::effective_heads, &Description::effective_heads}}};

std::vector<double> LayerTotals(const PatternMatrix& pattern) {
  std::vector<double> totals(pattern.layers);
  for (std::size_t i = 0; i < pattern.size(); ++i) totals[i / pattern.heads] += pattern.values[i];
  return totals;
}

double Total(const std::vector<double>& totals) { return std::accumulate(totals.begin(), totals.end(), 0.0); }

void DescribeValues(const PatternMatrix& pattern, const DescribeOptions& options, Description& description) {
  const Dispersion dispersion = DispersionOf(pattern.values, options.ddof, options.magnitudes);
  for (const auto& [from, to] : kDispersions) (description.*to).value = dispersion.*from;
  const std::vector<double> totals = LayerTotals(pattern);
  for (const double total : totals) description.layer_totals.push_back({total, std::nullopt});
  description.total.value = Total(totals);
}

void ListTopHeads(const PatternMatrix& pattern, const std::vector<double>* standard_error,
                  const DescribeOptions& options, Description& description) {
  const std::vector<std::uint32_t> heads = HeadsInOrder(pattern.values, options.order);
  for (std::size_t i = 0; i < std::min<std::size_t>(options.top, heads.size()); ++i) {
    TopHead top;
    top.layer = heads[i] / pattern.heads;
    top.head = heads[i] % pattern.heads;
    top.value = pattern.values[heads[i]];
    if (standard_error != nullptr) top.standard_error = (*standard_error)[heads[i]];
    description.top_heads.push_back(top);
  }
}

// What the resamples say, gathered one resample after the other.
class Spread {
 public:
  Spread(const ResampledPatterns& resampled, const DescribeOptions& options, Description& description)
      : options_(options),
        description_(description),
        layers_(resampled.layers),
        heads_(description.top_heads.size()),
        hits_(description.top_heads.size()) {
    for (std::uint32_t i = 0; i < resampled.resamples; ++i) Take(resampled.At(i));
    Finish(resampled.resamples);
  }

 private:
  void Take(const PatternMatrix& pattern) {
    const Dispersion dispersion = DispersionOf(pattern.values, options_.ddof, options_.magnitudes);
    for (std::size_t i = 0; i < kDispersions.size(); ++i) {
      dispersions_[i].push_back((dispersion.*kDispersions[i].first).value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    const std::vector<double> totals = LayerTotals(pattern);
    for (std::size_t layer = 0; layer < totals.size(); ++layer) layers_[layer].push_back(totals[layer]);
    total_.push_back(Total(totals));
    std::vector<std::uint32_t> first = HeadsInOrder(pattern.values, options_.order);
    first.resize(description_.top_heads.size());
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      const std::uint32_t entry = description_.top_heads[i].layer * pattern.heads + description_.top_heads[i].head;
      heads_[i].push_back(pattern.values[entry]);
      if (std::find(first.begin(), first.end(), entry) != first.end()) ++hits_[i];
    }
  }

  void Finish(std::uint32_t resamples) {
    for (std::size_t i = 0; i < kDispersions.size(); ++i) {
      Estimate& estimate = description_.*kDispersions[i].second;
      if (estimate.value) estimate.interval = PercentileInterval(std::move(dispersions_[i]), options_.level);
    }
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      description_.layer_totals[layer].interval = PercentileInterval(std::move(layers_[layer]), options_.level);
    }
    description_.total.interval = PercentileInterval(std::move(total_), options_.level);
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      description_.top_heads[i].interval = PercentileInterval(std::move(heads_[i]), options_.level);
      description_.top_heads[i].stability = static_cast<double>(hits_[i]) / resamples;
    }
  }

  const DescribeOptions& options_;
  Description& description_;
  // Values on the resamples.
  std::array<std::vector<double>, kDispersions.size()> dispersions_;
  std::vector<std::vector<double>> layers_;
  std::vector<double> total_;
  std::vector<std::vector<double>> heads_;
  std::vector<std::uint32_t> hits_;
};

}  // namespace

Description Describe(const PatternMatrix& pattern, const std::vector<double>* standard_error,
                     const ResampledPatterns* resampled, const DescribeOptions& options) {
  Description description;
  DescribeValues(pattern, options, description);
  ListTopHeads(pattern, standard_error, options, description);
  if (resampled != nullptr && resampled->resamples > 0) Spread(*resampled, options, description);
  return description;
}

}  // namespace headscope::server
