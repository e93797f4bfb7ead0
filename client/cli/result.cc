#include "client/cli/result.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/json_values.h"
#include "client/cli/npy.h"
#include "client/cli/pattern_file.h"

namespace headscope::cli {
namespace {

void AddTokens(const client::SampleTokens& tokens, Json& sample) {
  sample["token_ids"] = tokens.ids;
  sample["token_strings"] = tokens.strings ? Json(*tokens.strings) : Json(nullptr);
  Json mask = Json::array();
  for (const bool supervised : tokens.response_mask) mask.push_back(supervised ? 1 : 0);
  sample["response_mask"] = std::move(mask);
}

absl::StatusOr<Json> SamplesJson(const client::Scores& scores) {
  Json samples = Json::array();
  for (std::size_t sample = 0; sample < scores.ids.size(); ++sample) {
    auto sums = scores.Signed(sample);
    if (!sums.ok()) return sums.status();
    samples.push_back({{"id", scores.ids[sample]},
                       {"tokens", scores.tokens[sample]},
                       {"response_tokens", scores.response_tokens[sample]},
                       {"objective", scores.objective[sample]},
                       {"signed", MatrixJson({scores.layers, scores.heads, *std::move(sums)})}});
    if (scores.recorded) AddTokens((*scores.recorded)[sample], samples.back());
  }
  return samples;
}

}  // namespace

absl::StatusOr<Result> FetchResult(Session& session, client::Client& client, const client::Job& job,
                                   const ResultRequest& request) {
  auto pattern = client.GetPattern(job.pattern, request.reduction);
  if (!pattern.ok()) return pattern.status();
  Result result{job, *std::move(pattern), {}, {}, request.limit};
  if (job.invalid_samples > 0) {
    auto skipped = client.ListInvalidSamples(job.id);
    if (!skipped.ok()) return skipped.status();
    result.skipped = *std::move(skipped);
  }
  if (request.with_samples) {
    auto scores = client.ReadScores(job.id, session.Hooks());
    if (!scores.ok()) return scores.status();
    result.scores = *std::move(scores);
  }
  return result;
}

absl::StatusOr<std::string> ResultJson(const Result& result) {
  const client::Pattern& pattern = result.pattern;
  Json error = nullptr;
  if (pattern.standard_error) error = MatrixJson(*pattern.standard_error);
  Json json = {{"job", result.job.id},
               {"model", {{"name", pattern.provenance.model}, {"digest", DigestJson(pattern.provenance.model_digest)}}},
               {"method", result.job.spec.compute.method},
               {"options", OptionsJson(result.job.spec, pattern.reduction, result.limit)},
               {"layers", pattern.values.rows},
               {"heads", pattern.values.columns},
               {"pattern", MatrixJson(pattern.values)},
               {"standard_error", error},
               {"provenance", ProvenanceJson(pattern.provenance, result.skipped)}};
  if (result.scores) {
    auto samples = SamplesJson(*result.scores);
    if (!samples.ok()) return samples.status();
    json["samples"] = *std::move(samples);
  }
  return Text(json);
}

std::string ResultCsv(const Result& result) {
  const auto& error = result.pattern.standard_error;
  return PatternCsv(result.pattern.values, error ? &*error : nullptr);
}

absl::StatusOr<std::string> ResultNpy(const Result& result) {
  const client::Matrix& values = result.pattern.values;
  if (!result.scores) return NpyBytes({values.rows, values.columns}, values.values);
  const client::Scores& scores = *result.scores;
  std::vector<double> pool;
  for (std::size_t sample = 0; sample < scores.ids.size(); ++sample) {
    const auto sums = scores.Signed(sample);
    if (!sums.ok()) return sums.status();
    pool.insert(pool.end(), sums->begin(), sums->end());
  }
  return NpyBytes({scores.ids.size(), scores.layers, scores.heads}, pool);
}

}  // namespace headscope::cli
