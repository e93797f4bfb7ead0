#include "worker/runtime/prepare_shard.h"

#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "worker/attribution/method.h"
#include "worker/runtime/sample_preparer.h"
#include "worker/runtime/shard_failures.h"

namespace headscope::worker {
namespace {

ShardFailure InvalidOptions(const absl::Status& status) {
  return {.reason = "INVALID_OPTIONS", .message = std::string(status.message())};
}

// What can be said of the options before anything is computed.
std::optional<ShardFailure> CheckOptions(const ComputeRequest& compute, const ModelEntry& model,
                                         const ModelCache& models) {
  const auto method = FindMethod(compute.method);
  if (!method.ok()) return InvalidOptions(method.status());
  const auto engine = ParseEngineKind(compute.engine);
  if (!engine.ok()) return InvalidOptions(engine.status());
  const absl::StatusOr<DType> dtype = ParseDType(compute.dtype);
  if (!dtype.ok()) return InvalidOptions(dtype.status());
  const absl::Status fits = models.CheckFits(model, *dtype);
  if (!fits.ok()) return ModelFailure(fits);
  return std::nullopt;
}

}  // namespace

ShardOutcome<PrepareResult> PrepareShard(ShardSessionParts& parts, const ShardInput& shard,
                                         const ShardControl& control) {
  const absl::StatusOr<ModelEntry> model = parts.catalogue.Resolve(shard.model, control.cancelled);
  if (absl::IsCancelled(model.status())) return ShardStopped{};
  if (!model.ok()) return ModelFailure(model.status());
  if (!shard.model_digest.empty() && shard.model_digest != model->digest) {
    return ModelChanged(shard.model, shard.model_digest, model->digest);
  }
  if (const auto failure = CheckOptions(shard.compute, *model, parts.models)) return *failure;

  const absl::Time start = absl::Now();
  const absl::StatusOr<SamplePreparer> preparer = SamplePreparer::Make(*model, shard.compute, parts.tokenizers);
  if (!preparer.ok()) return ModelFailure(preparer.status());
  PrepareResult result = {.model_digest = model->digest};
  std::uint64_t tokens = 0;
  for (const ShardSample& item : shard.samples) {
    if (control.cancelled && control.cancelled()) return ShardStopped{};
    if (control.stop_after_batch && control.stop_after_batch()) return ShardStopped{};
    const auto prepared = preparer->Prepare(item.sample);
    if (const auto* fault = std::get_if<SampleFault>(&prepared)) {
      result.invalid.push_back({item.index, item.sample.id, fault->reason, fault->message});
      continue;
    }
    const EncodedSample& sample = std::get<EncodedSample>(prepared);
    result.valid.push_back(
        {item.index, static_cast<std::uint32_t>(sample.ids.size()), static_cast<std::uint32_t>(sample.prompt_tokens)});
    tokens += sample.ids.size();
  }
  parts.metrics.ObserveStage(Stage::kTokenise, absl::ToDoubleSeconds(absl::Now() - start));
  const absl::Status unchanged = parts.catalogue.CheckUnchanged(*model);
  if (!unchanged.ok()) return ModelFailure(unchanged);
  if (control.progress) control.progress(shard.samples.size(), tokens);
  return result;
}

}  // namespace headscope::worker
