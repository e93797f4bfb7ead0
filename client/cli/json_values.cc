#include "client/cli/json_values.h"

#include "absl/strings/str_cat.h"
#include "client/cli/model_details.h"
#include "client/cli/numbers.h"
#include "proto/support/limits.h"
#include "proto/support/sha256.h"

namespace headscope::cli {
namespace {

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json TimeJson(const std::optional<absl::Time>& time) { return time ? Json(UtcTime(time)) : Json(nullptr); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json EngineJson(const client::ComputeOptions& compute) {
  return compute.engine ? Json(client::NameOf(*compute.engine)) : Json(nullptr);
}

Json ComputeJson(const client::ComputeOptions& compute) {
  return {{"method", compute.method},
          {"engine", EngineJson(compute)},
          {"dtype", client::NameOf(compute.dtype)},
          {"append_eos", compute.append_eos},
          {"max_tokens", OrNull(compute.max_tokens)},
          {"on_invalid", client::NameOf(compute.on_invalid)},
          {"tokens", compute.record_tokens}};
}

Json AttemptJson(const client::Attempt& attempt) {
  return {{"phase", attempt.phase},
          {"shard", attempt.shard},
          {"worker", attempt.worker},
          {"outcome", TextOrNull(attempt.outcome)},
          {"message", attempt.message},
          {"start_time", TimeJson(attempt.start_time)},
          {"end_time", TimeJson(attempt.end_time)}};
}

Json EtaJson(const client::Progress& progress) {
  return progress.eta ? Json(absl::ToDoubleSeconds(*progress.eta)) : Json(nullptr);
}

}  // namespace

std::string Text(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

Json ScriptBatchJson(const client::ReductionOptions& reduction) {
  if (reduction.loss_scale != client::LossScale::kBatchTokenMean) return nullptr;
  return reduction.script_batch.value_or(kDefaultScriptBatch);
}

Json DigestJson(const std::string& digest) {
  return digest.empty() ? Json(nullptr) : Json(absl::StrCat("sha256:", ToHex(digest)));
}

Json OptionsJson(const client::JobSpec& spec, const client::ReductionOptions& reduction,
                 const std::optional<std::uint64_t>& limit) {
  Json options = ComputeJson(spec.compute);
  options["loss_scale"] = client::NameOf(reduction.loss_scale);
  options["script_batch"] = ScriptBatchJson(reduction);
  options["absolute"] = client::NameOf(reduction.absolute);
  options["positions"] = client::NameOf(reduction.positions);
  options["layer_norm"] = client::NameOf(reduction.layer_norm);
  options["head_axis"] = client::NameOf(reduction.head_axis);
  options["limit"] = OrNull(limit);
  options["batch_tokens"] = OrNull(spec.execution.batch_tokens);
  options["label"] = Json(spec.labels);
  return options;
}

Json MatrixJson(const client::Matrix& matrix) {
  Json rows = Json::array();
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    Json cells = Json::array();
    for (std::size_t column = 0; column < matrix.columns; ++column) cells.push_back(matrix.At(row, column));
    rows.push_back(std::move(cells));
  }
  return rows;
}

Json InvalidSamplesJson(const std::vector<client::InvalidSample>& samples) {
  Json list = Json::array();
  for (const client::InvalidSample& sample : samples) {
    list.push_back(
        {{"index", sample.index}, {"id", sample.id}, {"reason", sample.reason}, {"message", sample.message}});
  }
  return list;
}

Json ProvenanceJson(const client::Provenance& provenance, const std::vector<client::InvalidSample>& skipped) {
  return {{"model", provenance.model},
          {"model_digest", DigestJson(provenance.model_digest)},
          {"family", provenance.family},
          {"stored_dtype", provenance.stored_dtype},
          {"compute_dtype", client::NameOf(provenance.compute_dtype)},
          {"compute", ComputeJson(provenance.compute)},
          {"dataset", absl::StrCat("sha256:", provenance.dataset)},
          {"samples_total", provenance.samples_total},
          {"samples_scored", provenance.samples_scored},
          {"samples_skipped", Json(provenance.samples_skipped)},
          {"skipped", InvalidSamplesJson(skipped)},
          {"tokens", provenance.tokens},
          {"response_tokens", provenance.response_tokens},
          {"batch_tokens", provenance.batch_tokens},
          {"halved_shards", provenance.halved_shards},
          {"workers", provenance.workers},
          {"devices", provenance.devices},
          {"builds", provenance.builds},
          {"attempts", provenance.attempts},
          {"create_time", TimeJson(provenance.create_time)},
          {"start_time", TimeJson(provenance.start_time)},
          {"end_time", TimeJson(provenance.end_time)},
          {"server_build", provenance.server_build},
          {"kv_heads", provenance.kv_heads},
          {"head_dim", provenance.head_dim}};
}

Json JobJson(const client::Job& job) {
  Json attempts = Json::array();
  for (const client::Attempt& attempt : job.attempts) attempts.push_back(AttemptJson(attempt));
  Json failure = nullptr;
  if (job.failure) failure = {{"reason", job.failure->reason}, {"message", job.failure->message}};
  return {{"id", job.id},
          {"job", job.id},
          {"state", client::NameOf(job.state)},
          {"samples_done", job.progress.samples_done},
          {"samples_total", job.progress.samples_total},
          {"tokens_done", job.progress.tokens_done},
          {"tokens_total", job.progress.tokens_total},
          {"eta_seconds", EtaJson(job.progress)},
          {"cancel_requested", job.cancel_requested},
          {"blocked_reason", TextOrNull(job.blocked_reason)},
          {"failure", failure},
          {"invalid_samples", job.invalid_samples},
          {"model", {{"name", job.spec.model}, {"digest", DigestJson(job.spec.model_digest)}}},
          {"dataset", absl::StrCat("sha256:", job.spec.dataset)},
          {"method", job.spec.compute.method},
          {"options", OptionsJson(job.spec, job.spec.reduction, std::nullopt)},
          {"labels", Json(job.spec.labels)},
          {"pattern", TextOrNull(job.pattern)},
          {"create_time", TimeJson(job.create_time)},
          {"start_time", TimeJson(job.start_time)},
          {"end_time", TimeJson(job.end_time)},
          {"attempt_count", job.attempt_count},
          {"attempts", attempts}};
}

Json ModelJson(const client::Model& model) {
  Json json = {{"name", model.name},
               {"digest", DigestJson(model.digest)},
               {"family", model.family},
               {"layers", model.layers},
               {"heads", model.heads},
               {"kv_heads", model.kv_heads},
               {"head_dim", model.head_dim},
               {"vocabulary", model.vocabulary},
               {"positions", model.positions},
               {"parameters", model.parameters},
               {"weight_bytes", model.weight_bytes},
               {"stored_dtype", model.stored_dtype},
               {"has_tokenizer", model.has_tokenizer},
               {"unsupported", TextOrNull(model.unsupported)},
               {"tokenizer_unsupported", TextOrNull(model.tokenizer_unsupported)},
               {"workers", model.workers},
               {"resident_workers", model.resident_workers}};
  if (model.details.has_value()) AddDetails(*model.details, json);
  return json;
}

Json DatasetJson(const client::Dataset& dataset) {
  return {{"id", dataset.id},
          {"digest", absl::StrCat("sha256:", dataset.id)},
          {"samples", dataset.sample_count},
          {"size_bytes", dataset.size_bytes},
          {"display_name", dataset.display_name},
          {"create_time", TimeJson(dataset.create_time)}};
}

}  // namespace headscope::cli
