#include "server/service/analysis_convert.h"

#include <cmath>

#include "proto/support/wire/tensor_codec.h"
#include "server/service/convert.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

v1::Estimate ToProto(const Estimate& estimate) {
  v1::Estimate proto;
  if (estimate.value) proto.set_value(*estimate.value);
  if (estimate.interval) *proto.mutable_interval() = ToProto(*estimate.interval);
  return proto;
}

v1::Dispersion ToProto(const Dispersion& dispersion) {
  v1::Dispersion proto;
  const auto set = [](const std::optional<double>& value, v1::Estimate& estimate) {
    if (value) estimate.set_value(*value);
  };
  set(dispersion.gini, *proto.mutable_gini());
  set(dispersion.cv, *proto.mutable_cv());
  set(dispersion.kurtosis_fisher, *proto.mutable_kurtosis_fisher());
  set(dispersion.kurtosis_pearson, *proto.mutable_kurtosis_pearson());
  set(dispersion.entropy, *proto.mutable_entropy());
  set(dispersion.effective_heads, *proto.mutable_effective_heads());
  return proto;
}

v1::Change ToProto(const Change& change) {
  v1::Change proto;
  if (!std::isnan(change.mse)) proto.set_mse(change.mse);
  if (!std::isnan(change.pearson)) proto.set_pearson(change.pearson);
  if (!std::isnan(change.spearman)) proto.set_spearman(change.spearman);
  if (!std::isnan(change.cosine)) proto.set_cosine(change.cosine);
  return proto;
}

v1::TopHead ToProto(const TopHead& head) {
  v1::TopHead proto;
  proto.set_layer(head.layer);
  proto.set_head(head.head);
  proto.set_value(head.value);
  if (head.standard_error) proto.set_standard_error(*head.standard_error);
  if (head.interval) *proto.mutable_interval() = ToProto(*head.interval);
  if (head.stability) proto.set_stability(*head.stability);
  return proto;
}

v1::Coefficient ToProto(const Coefficient& coefficient) {
  v1::Coefficient proto;
  proto.set_value(coefficient.value);
  if (coefficient.standard_error) proto.set_standard_error(*coefficient.standard_error);
  if (coefficient.interval) *proto.mutable_interval() = ToProto(*coefficient.interval);
  return proto;
}

v1::FitQuality ToProto(const FitQuality& quality) {
  v1::FitQuality proto;
  proto.set_residual_squares(quality.residual_squares);
  if (quality.r2_centred) proto.set_r2_centred(*quality.r2_centred);
  if (quality.r2_uncentred) proto.set_r2_uncentred(*quality.r2_uncentred);
  if (quality.r2_adjusted) proto.set_r2_adjusted(*quality.r2_adjusted);
  return proto;
}

v1::SubsetFit ToProto(const SubsetFit& subset) {
  v1::SubsetFit proto;
  proto.mutable_members()->Assign(subset.members.begin(), subset.members.end());
  proto.mutable_coefficients()->Assign(subset.coefficients.begin(), subset.coefficients.end());
  proto.set_intercept(subset.intercept);
  *proto.mutable_quality() = ToProto(subset.quality);
  return proto;
}

}  // namespace

v1::Interval ToProto(const Interval& interval) {
  v1::Interval proto;
  proto.set_low(interval.low);
  proto.set_high(interval.high);
  return proto;
}

v1::Tensor ToTensor(const PatternMatrix& matrix) {
  return EncodeTensor(absl::MakeConstSpan(matrix.values), {matrix.layers, matrix.heads});
}

void FillDescription(const Description& description, v1::DescribePatternResponse& response) {
  v1::Dispersion& dispersion = *response.mutable_dispersion();
  *dispersion.mutable_gini() = ToProto(description.gini);
  *dispersion.mutable_cv() = ToProto(description.cv);
  *dispersion.mutable_kurtosis_fisher() = ToProto(description.kurtosis_fisher);
  *dispersion.mutable_kurtosis_pearson() = ToProto(description.kurtosis_pearson);
  *dispersion.mutable_entropy() = ToProto(description.entropy);
  *dispersion.mutable_effective_heads() = ToProto(description.effective_heads);
  for (const Estimate& total : description.layer_totals) *response.add_layer_totals() = ToProto(total);
  *response.mutable_total() = ToProto(description.total);
  for (const TopHead& head : description.top_heads) *response.add_top_heads() = ToProto(head);
}

void FillDecomposition(const Decomposition& decomposition, v1::DecomposePatternResponse& response) {
  for (const Coefficient& coefficient : decomposition.coefficients) *response.add_coefficients() = ToProto(coefficient);
  if (decomposition.intercept) *response.mutable_intercept() = ToProto(*decomposition.intercept);
  *response.mutable_quality() = ToProto(decomposition.quality);
  if (decomposition.r2_with_intercept) response.set_r2_with_intercept(*decomposition.r2_with_intercept);
  response.set_condition_number(decomposition.condition_number);
  response.set_scaled_condition_number(decomposition.scaled_condition_number);
  response.mutable_vif()->Assign(decomposition.vif.begin(), decomposition.vif.end());
  if (decomposition.permutation) {
    v1::PermutationNull& null = *response.mutable_permutation_null();
    null.set_p_value(decomposition.permutation->p_value);
    null.set_mean_r2_centred(decomposition.permutation->mean);
    null.set_quantile_95_r2_centred(decomposition.permutation->quantile_95);
  }
  for (const SubsetFit& subset : decomposition.subsets) *response.add_subsets() = ToProto(subset);
  *response.mutable_residuals() = ToTensor(decomposition.residuals);
}

v1::TrackPoint ToProto(const TrackPoint& point) {
  v1::TrackPoint proto;
  *proto.mutable_dispersion() = ToProto(point.dispersion);
  *proto.mutable_against_first() = ToProto(point.against_first);
  if (point.against_previous) *proto.mutable_against_previous() = ToProto(*point.against_previous);
  *proto.mutable_against_last() = ToProto(point.against_last);
  return proto;
}

void FillRanking(const Ranking& ranking, v1::RankSamplesResponse& response) {
  for (const RankedSample& sample : ranking.samples) {
    v1::RankedSample& proto = *response.add_samples();
    proto.set_id(sample.id);
    proto.set_index(sample.index);
    proto.set_score(sample.score);
  }
  response.set_pool_samples(ranking.pool);
  response.set_undefined_samples(ranking.undefined);
  response.set_near_duplicates(ranking.near_duplicates);
  response.set_candidates_exhausted(ranking.candidates_exhausted);
}

v1::MixtureShare ToProto(const MixtureShare& share) {
  v1::MixtureShare proto;
  proto.set_samples(share.samples);
  proto.set_share(share.share);
  proto.set_exact(share.exact);
  proto.set_clipped(share.clipped);
  proto.set_at_floor(share.at_floor);
  proto.set_at_cap(share.at_cap);
  return proto;
}

v1::Pattern ToProto(const PatternRecord& record) {
  v1::Pattern proto;
  proto.set_name(PatternName(record.id));
  v1::Provenance& provenance = *proto.mutable_provenance();
  if (!record.model.empty()) provenance.set_model(ModelName(record.model));
  provenance.set_model_digest(record.model_digest);
  provenance.set_family(record.facts.family);
  provenance.set_stored_dtype(record.facts.stored_dtype);
  provenance.set_kv_heads(record.facts.kv_heads);
  provenance.set_head_dim(record.facts.head_dim);
  provenance.set_samples_scored(record.samples);
  proto.set_samples_scored(record.samples);
  if (record.job.empty()) {
    proto.mutable_imported()->set_origin(record.origin);
  } else {
    proto.set_job(JobName(record.job));
  }
  proto.mutable_labels()->insert(record.labels.begin(), record.labels.end());
  proto.set_display_name(record.display_name);
  *proto.mutable_create_time() = ToProto(record.create_time);
  proto.set_layers(record.facts.layers);
  proto.set_heads(record.columns());
  return proto;
}

}  // namespace headscope::server
