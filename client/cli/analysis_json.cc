#include "client/cli/analysis_json.h"

#include <utility>

#include "absl/strings/str_replace.h"
#include "client/cli/pattern_argument.h"

namespace headscope::cli {
namespace {

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json IntervalJson(const std::optional<client::Interval>& interval) {
  if (!interval) return nullptr;
  return Json::array({interval->low, interval->high});
}

Json BootstrapJson(const client::Bootstrap& bootstrap) {
  return {{"resamples", OrNull(bootstrap.resamples)}, {"level", OrNull(bootstrap.level)}, {"seed", bootstrap.seed}};
}

Json PermutationJson(const client::Permutation& permutation) {
  return {{"permutations", OrNull(permutation.permutations)},
          {"shuffle", client::NameOf(permutation.scope)},
          {"seed", permutation.seed}};
}

// Adds every quantity under its name; its intervals to `intervals`, where that is wanted.
void AddDispersion(const client::Dispersion& dispersion, Json& json, Json* intervals) {
  const std::pair<const char*, const client::Estimate*> quantities[] = {
      {"gini", &dispersion.gini},
      {"cv", &dispersion.cv},
      {"kurtosis_fisher", &dispersion.kurtosis_fisher},
      {"kurtosis_pearson", &dispersion.kurtosis_pearson},
      {"entropy", &dispersion.entropy},
      {"effective_heads", &dispersion.effective_heads}};
  for (const auto& [name, estimate] : quantities) {
    json[name] = OrNull(estimate->value);
    if (intervals != nullptr) (*intervals)[name] = IntervalJson(estimate->interval);
  }
}

Json TopHeadJson(const client::TopHead& head) {
  return {{"layer", head.layer},
          {"head", head.head},
          {"value", head.value},
          {"standard_error", OrNull(head.standard_error)},
          {"interval", IntervalJson(head.interval)},
          {"stability", OrNull(head.stability)}};
}

Json IdentitiesJson(const std::vector<client::PatternIdentity>& patterns) {
  Json list = Json::array();
  for (const client::PatternIdentity& pattern : patterns) list.push_back(IdentityJson(pattern));
  return list;
}

void AddMeasure(client::Measure measure, const client::SimilarityMatrices& matrices, Json& json) {
  const std::string key = KeyOf(measure);
  json[key] = MatrixJson(matrices.values);
  if (matrices.low && matrices.high) {
    json["intervals"][key] = {{"low", MatrixJson(*matrices.low)}, {"high", MatrixJson(*matrices.high)}};
  }
  if (matrices.p_values) json["p_values"][key] = MatrixJson(*matrices.p_values);
}

void AddQuality(const client::FitQuality& quality, Json& json) {
  json["r2_centred"] = OrNull(quality.r2_centred);
  json["r2_uncentred"] = OrNull(quality.r2_uncentred);
  json["r2_adjusted"] = OrNull(quality.r2_adjusted);
  json["residual_squares"] = quality.residual_squares;
}

Json SubsetJson(const client::SubsetFit& subset, const std::vector<std::string>& names) {
  Json members = Json::array();
  for (const std::uint32_t member : subset.members) members.push_back(names.at(member));
  Json json = {{"members", members}, {"coefficients", subset.coefficients}, {"intercept", subset.intercept}};
  AddQuality(subset.quality, json);
  return json;
}

Json ChangeJson(const client::Change& change) {
  return {{"mse", OrNull(change.mse)},
          {"pearson", OrNull(change.pearson)},
          {"spearman", OrNull(change.spearman)},
          {"cosine", OrNull(change.cosine)}};
}

}  // namespace

std::string KeyOf(client::Measure measure) { return absl::StrReplaceAll(client::NameOf(measure), {{"-", "_"}}); }

Json IdentityJson(const client::PatternIdentity& pattern) {
  Json minus = nullptr;
  if (pattern.minus != nullptr) minus = IdentityJson(*pattern.minus);
  return {{"pattern", pattern.id.empty() ? pattern.display_name : pattern.id},
          {"display_name", pattern.display_name},
          {"model", pattern.model},
          {"family", pattern.family},
          {"samples_scored", pattern.samples_scored},
          {"minus", minus}};
}

Json DescriptionJson(const client::Description& description, const client::DescribeOptions& options) {
  Json json = {{"pattern", NameOf(description.pattern)}, {"layers", description.layers}, {"heads", description.heads}};
  Json intervals = Json::object();
  AddDispersion(description.dispersion, json, &intervals);
  Json totals = Json::array(), total_intervals = Json::array(), heads = Json::array();
  for (const client::Estimate& total : description.layer_totals) {
    totals.push_back(OrNull(total.value));
    total_intervals.push_back(IntervalJson(total.interval));
  }
  for (const client::TopHead& head : description.top_heads) heads.push_back(TopHeadJson(head));
  intervals["layer_totals"] = std::move(total_intervals);
  intervals["total"] = IntervalJson(description.total.interval);
  json["layer_totals"] = std::move(totals);
  json["total"] = OrNull(description.total.value);
  json["intervals"] = std::move(intervals);
  json["top_heads"] = std::move(heads);
  json["standard_error"] = description.standard_error ? MatrixJson(*description.standard_error) : Json(nullptr);
  json["ddof"] = options.ddof;
  json["magnitudes"] = options.magnitudes;
  json["head_order"] = client::NameOf(options.head_order);
  json["bootstrap"] = BootstrapJson(description.bootstrap);
  json["identity"] = IdentityJson(description.pattern);
  return json;
}

Json ComparisonJson(const client::Comparison& comparison) {
  Json json = {{"patterns", NamesOf(comparison.patterns)}, {"layers", comparison.layers}, {"heads", comparison.heads}};
  Json removed = Json::object();
  for (const auto& [key, matrices] : comparison.measures) {
    const auto& [measure, means_removed] = key;
    AddMeasure(measure, matrices, means_removed ? removed : json);
  }
  if (!removed.empty()) json["layer_means_removed"] = std::move(removed);
  json["top_k"] = comparison.top_k;
  json["top_k_overlap_by_chance"] = comparison.top_k_overlap_by_chance;
  json["top_k_jaccard_by_chance"] = comparison.top_k_jaccard_by_chance;
  json["rbo_p"] = comparison.rbo_p;
  json["bootstrap"] = comparison.bootstrap ? BootstrapJson(*comparison.bootstrap) : Json(nullptr);
  json["permutation"] = comparison.permutation ? PermutationJson(*comparison.permutation) : Json(nullptr);
  json["identities"] = IdentitiesJson(comparison.patterns);
  return json;
}

Json DecompositionJson(const client::Decomposition& decomposition, const client::DecomposeOptions& options) {
  const std::vector<std::string> names = NamesOf(decomposition.basis);
  Json coefficients = Json::array(), intervals = Json::array(), errors = Json::array(), subsets = Json::array();
  for (const client::Coefficient& coefficient : decomposition.coefficients) {
    coefficients.push_back(coefficient.value);
    intervals.push_back(IntervalJson(coefficient.interval));
    errors.push_back(OrNull(coefficient.standard_error));
  }
  const auto& intercept = decomposition.intercept;
  Json json = {{"target", NameOf(decomposition.target)},
               {"basis", names},
               {"coefficients", std::move(coefficients)},
               {"coefficient_intervals", std::move(intervals)},
               {"coefficient_standard_errors", std::move(errors)},
               {"intercept", intercept ? Json(intercept->value) : Json(nullptr)},
               {"intercept_interval", intercept ? IntervalJson(intercept->interval) : Json(nullptr)}};
  AddQuality(decomposition.quality, json);
  json["r2_with_intercept"] = OrNull(decomposition.r2_with_intercept);
  json["condition_number"] = decomposition.condition_number;
  json["scaled_condition_number"] = decomposition.scaled_condition_number;
  json["vif"] = decomposition.vif;
  json["p_value"] = nullptr;
  if (const auto& null = decomposition.permutation_null) {
    json["p_value"] = null->p_value;
    json["permutation_null"] = {{"mean_r2_centred", null->mean_r2_centred},
                                {"quantile_95_r2_centred", null->quantile_95_r2_centred}};
  }
  if (options.rank_subsets) {
    for (const client::SubsetFit& subset : decomposition.subsets) subsets.push_back(SubsetJson(subset, names));
    json["subsets"] = std::move(subsets);
  }
  json["residuals"] = MatrixJson(decomposition.residuals);
  json["fit"] = client::NameOf(options.fit);
  json["intervals"] = client::NameOf(options.intervals);
  json["bootstrap"] = BootstrapJson(decomposition.bootstrap);
  json["permutation"] = PermutationJson(decomposition.permutation);
  return json;
}

Json TrackJson(const std::vector<client::TrackPoint>& points) {
  Json list = Json::array();
  for (const client::TrackPoint& point : points) {
    Json json = {{"pattern", NameOf(point.pattern)}};
    AddDispersion(point.dispersion, json, nullptr);
    json["against_first"] = ChangeJson(point.against_first);
    json["against_previous"] = point.against_previous ? ChangeJson(*point.against_previous) : Json(nullptr);
    json["against_last"] = ChangeJson(point.against_last);
    json["identity"] = IdentityJson(point.pattern);
    list.push_back(std::move(json));
  }
  return {{"points", std::move(list)}};
}

Json RankingJson(const client::Ranking& ranking, client::RankMeasure measure) {
  Json samples = Json::array();
  for (const client::RankedSample& sample : ranking.samples) {
    samples.push_back({{"id", sample.id}, {"score", sample.score}, {"index", sample.index}});
  }
  return {{"target", NameOf(ranking.target)},
          {"measure", client::NameOf(measure)},
          {"samples", std::move(samples)},
          {"pool_samples", ranking.pool_samples},
          {"undefined_samples", ranking.undefined_samples},
          {"near_duplicates", ranking.near_duplicates},
          {"candidates_exhausted", ranking.candidates_exhausted}};
}

Json MixtureJson(const std::vector<client::MixtureShare>& shares, std::uint64_t budget) {
  Json list = Json::array();
  for (const client::MixtureShare& share : shares) {
    list.push_back({{"name", share.name},
                    {"samples", share.samples},
                    {"share", share.share},
                    {"exact", share.exact},
                    {"clipped", share.clipped},
                    {"at_floor", share.at_floor},
                    {"at_cap", share.at_cap}});
  }
  return {{"budget", budget}, {"shares", std::move(list)}};
}

}  // namespace headscope::cli
