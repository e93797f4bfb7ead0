#include "client/headscope/wire_analysis.h"

#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/headscope/wire.h"
#include "client/headscope/wire_time.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope::client {
namespace {

// The API's values begin with UNSPECIFIED; those of the enums below follow in this library's order, except where the
// default is not the first: each function says which is which.
template <typename Proto, typename Enum>
Proto Offset(Enum value) {
  return static_cast<Proto>(static_cast<int>(value) + 1);
}

v1::LayerMeans ToWire(LayerMeans means) {
  switch (means) {
    case LayerMeans::kBoth:
      return v1::LAYER_MEANS_BOTH;
    case LayerMeans::kKept:
      return v1::LAYER_MEANS_KEPT;
    case LayerMeans::kRemoved:
      return v1::LAYER_MEANS_REMOVED;
  }
  return v1::LAYER_MEANS_UNSPECIFIED;
}

v1::CoefficientIntervals ToWire(CoefficientIntervals intervals) {
  switch (intervals) {
    case CoefficientIntervals::kBootstrapHeads:
      return v1::COEFFICIENT_INTERVALS_BOOTSTRAP_HEADS;
    case CoefficientIntervals::kNone:
      return v1::COEFFICIENT_INTERVALS_NONE;
    case CoefficientIntervals::kOlsStandardError:
      return v1::COEFFICIENT_INTERVALS_OLS_STANDARD_ERROR;
  }
  return v1::COEFFICIENT_INTERVALS_UNSPECIFIED;
}

v1::Bootstrap ToWire(const Bootstrap& bootstrap) {
  v1::Bootstrap proto;
  if (bootstrap.resamples) proto.set_resamples(*bootstrap.resamples);
  if (bootstrap.level) proto.set_level(*bootstrap.level);
  proto.set_seed(bootstrap.seed);
  return proto;
}

v1::Permutation ToWire(const Permutation& permutation) {
  v1::Permutation proto;
  if (permutation.permutations) proto.set_permutations(*permutation.permutations);
  proto.set_scope(Offset<v1::ShuffleScope>(permutation.scope));
  proto.set_seed(permutation.seed);
  return proto;
}

Bootstrap FromWire(const v1::Bootstrap& proto) {
  Bootstrap bootstrap;
  if (proto.has_resamples()) bootstrap.resamples = proto.resamples();
  if (proto.has_level()) bootstrap.level = proto.level();
  bootstrap.seed = proto.seed();
  return bootstrap;
}

Permutation FromWire(const v1::Permutation& proto) {
  Permutation permutation;
  if (proto.has_permutations()) permutation.permutations = proto.permutations();
  if (proto.scope() == v1::SHUFFLE_SCOPE_ALL_HEADS) permutation.scope = ShuffleScope::kAllHeads;
  permutation.seed = proto.seed();
  return permutation;
}

Interval FromWire(const v1::Interval& proto) { return {proto.low(), proto.high()}; }

Estimate FromWire(const v1::Estimate& proto) {
  Estimate estimate;
  if (proto.has_value()) estimate.value = proto.value();
  if (proto.has_interval()) estimate.interval = FromWire(proto.interval());
  return estimate;
}

Dispersion FromWire(const v1::Dispersion& proto) {
  return {FromWire(proto.gini()),
          FromWire(proto.cv()),
          FromWire(proto.kurtosis_fisher()),
          FromWire(proto.kurtosis_pearson()),
          FromWire(proto.entropy()),
          FromWire(proto.effective_heads())};
}

PatternIdentity FromWire(const v1::PatternIdentity& proto) {
  PatternIdentity identity;
  identity.id = Bare(proto.name(), "patterns/");
  identity.display_name = proto.display_name();
  identity.model = proto.model();
  identity.family = proto.family();
  identity.samples_scored = proto.samples_scored();
  if (proto.has_minus()) identity.minus = std::make_shared<const PatternIdentity>(FromWire(proto.minus()));
  return identity;
}

TopHead FromWire(const v1::TopHead& proto) {
  TopHead head;
  head.layer = proto.layer();
  head.head = proto.head();
  head.value = proto.value();
  if (proto.has_standard_error()) head.standard_error = proto.standard_error();
  if (proto.has_interval()) head.interval = FromWire(proto.interval());
  if (proto.has_stability()) head.stability = proto.stability();
  return head;
}

Coefficient FromWire(const v1::Coefficient& proto) {
  Coefficient coefficient;
  coefficient.value = proto.value();
  if (proto.has_standard_error()) coefficient.standard_error = proto.standard_error();
  if (proto.has_interval()) coefficient.interval = FromWire(proto.interval());
  return coefficient;
}

FitQuality FromWire(const v1::FitQuality& proto) {
  FitQuality quality;
  quality.residual_squares = proto.residual_squares();
  if (proto.has_r2_centred()) quality.r2_centred = proto.r2_centred();
  if (proto.has_r2_uncentred()) quality.r2_uncentred = proto.r2_uncentred();
  if (proto.has_r2_adjusted()) quality.r2_adjusted = proto.r2_adjusted();
  return quality;
}

SubsetFit FromWire(const v1::SubsetFit& proto) {
  SubsetFit subset;
  subset.members = {proto.members().begin(), proto.members().end()};
  subset.coefficients = {proto.coefficients().begin(), proto.coefficients().end()};
  subset.intercept = proto.intercept();
  subset.quality = FromWire(proto.quality());
  return subset;
}

Change FromWire(const v1::Change& proto) {
  Change change;
  if (proto.has_mse()) change.mse = proto.mse();
  if (proto.has_pearson()) change.pearson = proto.pearson();
  if (proto.has_spearman()) change.spearman = proto.spearman();
  if (proto.has_cosine()) change.cosine = proto.cosine();
  return change;
}

}  // namespace

v1::Tensor ToProto(const Matrix& matrix) {
  return EncodeTensor(absl::MakeConstSpan(matrix.values),
                      {static_cast<std::uint32_t>(matrix.rows), static_cast<std::uint32_t>(matrix.columns)});
}

v1::PatternModel ToProto(const PatternModel& model) {
  v1::PatternModel proto;
  proto.set_name(model.name);
  proto.set_digest(model.digest);
  proto.set_family(model.family);
  proto.set_kv_heads(model.kv_heads);
  proto.set_head_dim(model.head_dim);
  return proto;
}

v1::PatternReference ToProto(const PatternReference& reference) {
  v1::PatternReference proto;
  if (reference.matrix) {
    v1::InlinePattern& matrix = *proto.mutable_inline_pattern();
    matrix.set_label(reference.matrix->label);
    *matrix.mutable_values() = ToProto(reference.matrix->values);
    if (reference.matrix->standard_error) *matrix.mutable_standard_error() = ToProto(*reference.matrix->standard_error);
    *matrix.mutable_model() = ToProto(reference.matrix->model);
  } else {
    proto.set_name(reference.name);
  }
  if (reference.reduction) *proto.mutable_reduction() = ToProto(*reference.reduction);
  if (reference.minus) *proto.mutable_minus() = ToProto(*reference.minus);
  return proto;
}

v1::DescribePatternRequest ToProto(const PatternReference& pattern, const DescribeOptions& options) {
  v1::DescribePatternRequest request;
  *request.mutable_pattern() = ToProto(pattern);
  request.set_ddof(options.ddof);
  request.set_magnitudes(options.magnitudes);
  request.set_head_order(Offset<v1::HeadOrder>(options.head_order));
  request.set_top(options.top);
  *request.mutable_bootstrap() = ToWire(options.bootstrap);
  request.set_allow_different_models(options.allow_different_models);
  return request;
}

v1::ComparePatternsRequest ToProto(const std::vector<PatternReference>& patterns, const CompareOptions& options) {
  v1::ComparePatternsRequest request;
  for (const PatternReference& pattern : patterns) *request.add_patterns() = ToProto(pattern);
  for (const Measure measure : options.measures) request.add_measures(Offset<v1::Measure>(measure));
  request.set_layer_means(ToWire(options.layer_means));
  if (options.top_k) request.set_top_k(*options.top_k);
  if (options.rbo_p) request.set_rbo_p(*options.rbo_p);
  request.set_head_order(Offset<v1::HeadOrder>(options.head_order));
  if (options.bootstrap) *request.mutable_bootstrap() = ToWire(*options.bootstrap);
  request.set_resampled_unit(Offset<v1::ResampledUnit>(options.resampled_unit));
  if (options.permutation) *request.mutable_permutation() = ToWire(*options.permutation);
  request.set_allow_different_models(options.allow_different_models);
  return request;
}

v1::DecomposePatternRequest ToProto(const PatternReference& target, const std::vector<PatternReference>& basis,
                                    const DecomposeOptions& options) {
  v1::DecomposePatternRequest request;
  *request.mutable_target() = ToProto(target);
  for (const PatternReference& pattern : basis) *request.add_basis() = ToProto(pattern);
  request.set_fit(Offset<v1::Fit>(options.fit));
  request.set_intercept(options.intercept);
  request.set_intervals(ToWire(options.intervals));
  *request.mutable_bootstrap() = ToWire(options.bootstrap);
  *request.mutable_permutation() = ToWire(options.permutation);
  request.set_rank_subsets(options.rank_subsets);
  request.set_allow_different_models(options.allow_different_models);
  return request;
}

v1::RankSamplesRequest ToProto(const PatternReference& target, const RankOptions& options) {
  v1::RankSamplesRequest request;
  v1::RankSamplesRequest::Header& header = *request.mutable_header();
  *header.mutable_target() = ToProto(target);
  header.set_measure(Offset<v1::RankMeasure>(options.measure));
  header.set_top(options.top);
  if (options.diversity) {
    header.mutable_diversity()->set_max_cosine(options.diversity->max_cosine);
    if (options.diversity->candidates) header.mutable_diversity()->set_candidates(*options.diversity->candidates);
  }
  header.set_allow_different_models(options.allow_different_models);
  return request;
}

absl::StatusOr<Description> FromProto(const v1::DescribePatternResponse& response) {
  Description description;
  description.pattern = FromWire(response.pattern());
  description.layers = response.layers();
  description.heads = response.heads();
  description.dispersion = FromWire(response.dispersion());
  for (const v1::Estimate& total : response.layer_totals()) description.layer_totals.push_back(FromWire(total));
  description.total = FromWire(response.total());
  for (const v1::TopHead& head : response.top_heads()) description.top_heads.push_back(FromWire(head));
  if (response.has_standard_error()) {
    auto error = ToMatrix(response.standard_error(), "standard error");
    if (!error.ok()) return error.status();
    description.standard_error = *std::move(error);
  }
  description.bootstrap = FromWire(response.bootstrap());
  return description;
}

absl::StatusOr<Decomposition> FromProto(const v1::DecomposePatternResponse& response) {
  Decomposition fit;
  fit.target = FromWire(response.target());
  for (const v1::PatternIdentity& identity : response.basis()) fit.basis.push_back(FromWire(identity));
  for (const v1::Coefficient& coefficient : response.coefficients()) fit.coefficients.push_back(FromWire(coefficient));
  if (response.has_intercept()) fit.intercept = FromWire(response.intercept());
  fit.quality = FromWire(response.quality());
  if (response.has_r2_with_intercept()) fit.r2_with_intercept = response.r2_with_intercept();
  fit.condition_number = response.condition_number();
  fit.scaled_condition_number = response.scaled_condition_number();
  fit.vif = {response.vif().begin(), response.vif().end()};
  if (response.has_permutation_null()) {
    const v1::PermutationNull& null = response.permutation_null();
    fit.permutation_null = {null.p_value(), null.mean_r2_centred(), null.quantile_95_r2_centred()};
  }
  for (const v1::SubsetFit& subset : response.subsets()) fit.subsets.push_back(FromWire(subset));
  auto residuals = ToMatrix(response.residuals(), "residuals");
  if (!residuals.ok()) return residuals.status();
  fit.residuals = *std::move(residuals);
  fit.bootstrap = FromWire(response.bootstrap());
  fit.permutation = FromWire(response.permutation());
  return fit;
}

std::vector<TrackPoint> FromProto(const v1::TrackPatternsResponse& response) {
  std::vector<TrackPoint> points;
  for (const v1::TrackPoint& proto : response.points()) {
    TrackPoint& point = points.emplace_back();
    point.pattern = FromWire(proto.pattern());
    point.dispersion = FromWire(proto.dispersion());
    point.against_first = FromWire(proto.against_first());
    if (proto.has_against_previous()) point.against_previous = FromWire(proto.against_previous());
    point.against_last = FromWire(proto.against_last());
  }
  return points;
}

Ranking FromProto(const v1::RankSamplesResponse& response) {
  Ranking ranking;
  ranking.target = FromWire(response.target());
  for (const v1::RankedSample& sample : response.samples()) {
    ranking.samples.push_back({sample.id(), sample.index(), sample.score()});
  }
  ranking.pool_samples = response.pool_samples();
  ranking.undefined_samples = response.undefined_samples();
  ranking.near_duplicates = response.near_duplicates();
  ranking.candidates_exhausted = response.candidates_exhausted();
  return ranking;
}

Comparison FromProto(const v1::ComparePatternsResponse::Header& header) {
  Comparison comparison;
  for (const v1::PatternIdentity& identity : header.patterns()) comparison.patterns.push_back(FromWire(identity));
  comparison.layers = header.layers();
  comparison.heads = header.heads();
  comparison.top_k = header.top_k();
  comparison.rbo_p = header.rbo_p();
  comparison.top_k_overlap_by_chance = header.top_k_overlap_by_chance();
  comparison.top_k_jaccard_by_chance = header.top_k_jaccard_by_chance();
  if (header.has_bootstrap()) comparison.bootstrap = FromWire(header.bootstrap());
  if (header.has_permutation()) comparison.permutation = FromWire(header.permutation());
  return comparison;
}

absl::Status AddRows(const v1::ComparePatternsResponse::Rows& rows, Comparison& comparison) {
  using Response = v1::ComparePatternsResponse;
  const std::size_t count = comparison.patterns.size();
  const auto block = ToMatrix(rows.values(), "similarities");
  if (!block.ok()) return block.status();
  if (block->columns != count || rows.first_row() + block->rows > count || rows.measure() < v1::MEASURE_PEARSON ||
      rows.measure() > v1::MEASURE_RBO) {
    return absl::DataLossError(absl::StrCat("similarities: rows ", rows.first_row(), " to ",
                                            rows.first_row() + block->rows, " of ", block->columns,
                                            " columns do not fit ", count, " patterns"));
  }
  const auto measure = static_cast<Measure>(static_cast<int>(rows.measure()) - 1);
  SimilarityMatrices& matrices = comparison.measures[{measure, rows.layer_means_removed()}];
  const auto place = [&](std::optional<Matrix>& matrix) -> Matrix& { return matrix ? *matrix : matrix.emplace(); };
  Matrix& matrix = rows.quantity() == Response::INTERVAL_LOW    ? place(matrices.low)
                   : rows.quantity() == Response::INTERVAL_HIGH ? place(matrices.high)
                   : rows.quantity() == Response::P_VALUE       ? place(matrices.p_values)
                                                                : matrices.values;
  if (matrix.values.empty()) {
    matrix = {count, count, std::vector<double>(count * count, std::numeric_limits<double>::quiet_NaN())};
  }
  std::copy(block->values.begin(), block->values.end(),
            matrix.values.begin() + static_cast<std::ptrdiff_t>(rows.first_row() * count));
  return absl::OkStatus();
}

}  // namespace headscope::client
