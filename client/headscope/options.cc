#include "client/headscope/options.h"

#include <utility>

#include "client/headscope/analysis.h"

namespace headscope::client {
namespace {

template <typename Enum>
using Names = std::vector<std::pair<Enum, std::string>>;

// One table per option, the default first: the only place where a value is spelled.
const Names<DType>& Table(DType) {
  static const Names<DType> names = {
      {DType::kFloat32, "float32"}, {DType::kFloat64, "float64"}, {DType::kBFloat16, "bfloat16"}};
  return names;
}

const Names<Engine>& Table(Engine) {
  static const Names<Engine> names = {{Engine::kFast, "fast"}, {Engine::kReference, "reference"}};
  return names;
}

const Names<OnInvalid>& Table(OnInvalid) {
  static const Names<OnInvalid> names = {{OnInvalid::kRefuse, "refuse"}, {OnInvalid::kSkip, "skip"}};
  return names;
}

const Names<LossScale>& Table(LossScale) {
  static const Names<LossScale> names = {{LossScale::kPerSampleMean, "per-sample-mean"},
                                         {LossScale::kSum, "sum"},
                                         {LossScale::kBatchTokenMean, "batch-token-mean"}};
  return names;
}

const Names<Absolute>& Table(Absolute) {
  static const Names<Absolute> names = {
      {Absolute::kPerSample, "per-sample"}, {Absolute::kNone, "none"}, {Absolute::kPerToken, "per-token"}};
  return names;
}

const Names<Positions>& Table(Positions) {
  static const Names<Positions> names = {
      {Positions::kAll, "all"}, {Positions::kPrompt, "prompt"}, {Positions::kResponse, "response"}};
  return names;
}

const Names<LayerNorm>& Table(LayerNorm) {
  static const Names<LayerNorm> names = {{LayerNorm::kNone, "none"}, {LayerNorm::kL2, "l2"}};
  return names;
}

const Names<HeadAxis>& Table(HeadAxis) {
  static const Names<HeadAxis> names = {{HeadAxis::kQuery, "query"}, {HeadAxis::kKvGroup, "kv"}};
  return names;
}

const Names<HeadOrder>& Table(HeadOrder) {
  static const Names<HeadOrder> names = {{HeadOrder::kValue, "value"}, {HeadOrder::kMagnitude, "magnitude"}};
  return names;
}

const Names<ResampledUnit>& Table(ResampledUnit) {
  static const Names<ResampledUnit> names = {{ResampledUnit::kHeads, "heads"}, {ResampledUnit::kSamples, "samples"}};
  return names;
}

const Names<ShuffleScope>& Table(ShuffleScope) {
  static const Names<ShuffleScope> names = {{ShuffleScope::kWithinLayers, "within-layers"},
                                            {ShuffleScope::kAllHeads, "all-heads"}};
  return names;
}

const Names<Measure>& Table(Measure) {
  static const Names<Measure> names = {{Measure::kPearson, "pearson"},
                                       {Measure::kSpearman, "spearman"},
                                       {Measure::kKendallTauB, "kendall-tau-b"},
                                       {Measure::kCosine, "cosine"},
                                       {Measure::kMse, "mse"},
                                       {Measure::kTopKOverlap, "top-k-overlap"},
                                       {Measure::kTopKJaccard, "top-k-jaccard"},
                                       {Measure::kRbo, "rbo"}};
  return names;
}

const Names<LayerMeans>& Table(LayerMeans) {
  static const Names<LayerMeans> names = {
      {LayerMeans::kBoth, "both"}, {LayerMeans::kKept, "kept"}, {LayerMeans::kRemoved, "removed"}};
  return names;
}

const Names<Fit>& Table(Fit) {
  static const Names<Fit> names = {{Fit::kOls, "ols"}, {Fit::kNnls, "nnls"}};
  return names;
}

const Names<CoefficientIntervals>& Table(CoefficientIntervals) {
  static const Names<CoefficientIntervals> names = {{CoefficientIntervals::kBootstrapHeads, "bootstrap-heads"},
                                                    {CoefficientIntervals::kNone, "none"},
                                                    {CoefficientIntervals::kOlsStandardError, "ols-standard-error"}};
  return names;
}

const Names<RankMeasure>& Table(RankMeasure) {
  static const Names<RankMeasure> names = {
      {RankMeasure::kCosine, "cosine"}, {RankMeasure::kPearson, "pearson"}, {RankMeasure::kProjection, "projection"}};
  return names;
}

}  // namespace

template <typename Enum>
std::string NameOf(Enum value) {
  for (const auto& [candidate, name] : Table(Enum())) {
    if (candidate == value) return name;
  }
  return "unknown";
}

template <typename Enum>
std::optional<Enum> FromName(const std::string& name) {
  for (const auto& [value, candidate] : Table(Enum())) {
    if (candidate == name) return value;
  }
  return std::nullopt;
}

template <typename Enum>
std::vector<std::string> NamesOf() {
  std::vector<std::string> names;
  for (const auto& entry : Table(Enum())) names.push_back(entry.second);
  return names;
}

#define HEADSCOPE_OPTION(Enum)                                          \
  template std::string NameOf<Enum>(Enum);                              \
  template std::optional<Enum> FromName<Enum>(const std::string& name); \
  template std::vector<std::string> NamesOf<Enum>();
HEADSCOPE_OPTION(DType)
HEADSCOPE_OPTION(Engine)
HEADSCOPE_OPTION(OnInvalid)
HEADSCOPE_OPTION(LossScale)
HEADSCOPE_OPTION(Absolute)
HEADSCOPE_OPTION(Positions)
HEADSCOPE_OPTION(LayerNorm)
HEADSCOPE_OPTION(HeadAxis)
HEADSCOPE_OPTION(HeadOrder)
HEADSCOPE_OPTION(ResampledUnit)
HEADSCOPE_OPTION(ShuffleScope)
HEADSCOPE_OPTION(Measure)
HEADSCOPE_OPTION(LayerMeans)
HEADSCOPE_OPTION(Fit)
HEADSCOPE_OPTION(CoefficientIntervals)
HEADSCOPE_OPTION(RankMeasure)
#undef HEADSCOPE_OPTION

}  // namespace headscope::client
