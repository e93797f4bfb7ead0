#include "server/service/convert.h"

#include <algorithm>

#include "proto/support/sha256.h"
#include "server/service/enum_tables.h"
#include "server/service/resource_names.h"

namespace headscope::server {

google::protobuf::Timestamp ToProto(absl::Time time) {
  const timespec at = absl::ToTimespec(time);
  google::protobuf::Timestamp proto;
  proto.set_seconds(at.tv_sec);
  proto.set_nanos(static_cast<std::int32_t>(at.tv_nsec));
  return proto;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  const std::int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &duration);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

v1::Compute ToProto(const ComputeOptions& options) {
  v1::Compute proto;
  proto.mutable_gradient();
  proto.set_dtype(ToProto(kDTypes, options.dtype));
  proto.set_engine(ToProto(kEngines, options.engine));
  proto.set_append_eos(options.append_eos);
  if (options.max_tokens) proto.set_max_tokens(*options.max_tokens);
  proto.set_on_invalid(ToProto(kOnInvalids, options.on_invalid));
  proto.set_record_tokens(options.record_tokens);
  return proto;
}

v1::Reduction ToProto(const ReductionOptions& options) {
  v1::Reduction proto;
  proto.set_loss_scale(ToProto(kLossScales, options.loss_scale));
  if (options.loss_scale == LossScale::kBatchTokenMean) proto.set_script_batch(options.script_batch);
  proto.set_absolute(ToProto(kAbsolutes, options.absolute));
  proto.set_positions(ToProto(kPositions, options.positions));
  proto.set_layer_norm(ToProto(kLayerNorms, options.layer_norm));
  proto.set_head_axis(ToProto(kHeadAxes, options.head_axis));
  return proto;
}

v1::JobSpec ToProto(const JobSpec& spec) {
  v1::JobSpec proto;
  proto.set_model(ModelName(spec.model));
  proto.set_model_digest(spec.model_digest);
  proto.set_dataset(DatasetName(spec.dataset));
  *proto.mutable_compute() = ToProto(spec.compute);
  *proto.mutable_reduction() = ToProto(spec.reduction);
  v1::Execution& execution = *proto.mutable_execution();
  execution.set_priority(spec.priority);
  if (spec.batch_tokens) execution.set_batch_tokens(*spec.batch_tokens);
  if (spec.queue_ttl) *execution.mutable_queue_ttl() = ToProto(*spec.queue_ttl);
  execution.set_max_attempts(spec.max_attempts);
  proto.mutable_labels()->insert(spec.labels.begin(), spec.labels.end());
  return proto;
}

v1::Attempt ToProto(const Attempt& attempt) {
  v1::Attempt proto;
  proto.set_phase(ToProto(kPhases, attempt.phase));
  proto.set_shard(attempt.shard);
  proto.set_worker(attempt.worker);
  proto.set_outcome(ToProto(kOutcomes, attempt.outcome));
  proto.set_message(attempt.message);
  *proto.mutable_start_time() = ToProto(attempt.start_time);
  if (attempt.end_time) *proto.mutable_end_time() = ToProto(*attempt.end_time);
  return proto;
}

v1::Progress ToProto(const Job& job, const LiveProgress& progress, const std::optional<absl::Duration>& eta) {
  v1::Progress proto;
  proto.set_samples_total(job.counts.samples_total);
  proto.set_tokens_total(job.counts.tokens_total);
  // A lease that is completing is counted twice for a moment.
  proto.set_samples_done(std::min(progress.samples_done, job.counts.samples_total));
  proto.set_tokens_done(job.prepared ? std::min(progress.tokens_done, job.counts.tokens_total) : progress.tokens_done);
  if (eta) *proto.mutable_eta() = ToProto(*eta);
  proto.set_tokens_kept(job.tokens_kept);
  return proto;
}

v1::InvalidSample ToProto(const InvalidSample& sample) {
  v1::InvalidSample proto;
  proto.set_index(sample.index);
  proto.set_id(sample.id);
  proto.set_reason(sample.reason);
  proto.set_message(sample.message);
  return proto;
}

v1::Job ToProto(const JobView& view) {
  const Job& job = view.job;
  v1::Job proto;
  if (!job.id.empty()) proto.set_name(JobName(job.id));
  *proto.mutable_spec() = ToProto(job.spec);
  proto.set_state(ToProto(kJobStates, job.state));
  proto.set_cancel_requested(job.cancel_requested);
  proto.set_blocked_reason(view.blocked_reason);
  *proto.mutable_progress() = ToProto(job, view.progress, view.eta);
  if (job.failure) {
    proto.mutable_failure()->set_reason(job.failure->reason);
    proto.mutable_failure()->set_message(job.failure->message);
  }
  for (const Attempt& attempt : view.attempts) *proto.add_attempts() = ToProto(attempt);
  if (job.state == JobState::kSucceeded) proto.set_pattern(PatternName(job.id));
  *proto.mutable_create_time() = ToProto(job.create_time);
  if (job.start_time) *proto.mutable_start_time() = ToProto(*job.start_time);
  if (job.end_time) *proto.mutable_end_time() = ToProto(*job.end_time);
  proto.set_invalid_samples(job.counts.invalid_samples);
  proto.set_attempt_count(job.counts.attempts);
  return proto;
}

v1::Dataset ToProto(const DatasetRecord& record) {
  v1::Dataset proto;
  proto.set_name(DatasetName(record.digest));
  proto.set_sha256(DigestFromHex(record.digest));
  proto.set_sample_count(record.sample_count);
  proto.set_size_bytes(record.size_bytes);
  proto.set_display_name(record.display_name);
  *proto.mutable_create_time() = ToProto(record.create_time);
  return proto;
}

v1::Model ToProto(const ModelView& view) {
  const CatalogueEntry& entry = view.entry;
  v1::Model proto;
  proto.set_name(ModelName(entry.model));
  proto.set_digest(entry.digest);
  proto.set_family(entry.family);
  proto.set_layers(entry.layers);
  proto.set_heads(entry.heads);
  proto.set_kv_heads(entry.kv_heads);
  proto.set_head_dim(entry.head_dim);
  proto.set_vocabulary(entry.vocabulary);
  proto.set_positions(entry.positions);
  proto.set_parameters(entry.parameters);
  proto.set_weight_bytes(entry.weight_bytes);
  proto.set_stored_dtype(entry.stored_dtype);
  proto.set_has_tokenizer(entry.has_tokenizer);
  proto.set_unsupported(entry.unsupported);
  proto.set_tokenizer_unsupported(entry.tokenizer_unsupported);
  proto.mutable_workers()->Assign(view.workers.begin(), view.workers.end());
  proto.mutable_resident_workers()->Assign(view.resident_workers.begin(), view.resident_workers.end());
  if (!entry.details.empty() && !proto.mutable_details()->ParseFromString(entry.details)) proto.clear_details();
  return proto;
}

}  // namespace headscope::server
