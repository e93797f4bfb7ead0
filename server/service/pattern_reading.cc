#include "server/service/pattern_reading.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/analysis/job_samples.h"
#include "server/service/convert.h"
#include "server/service/enum_tables.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

constexpr std::uint32_t kAllAttempts = 0;

// Who computed the scores: of attempts that completed a SCORE shard.
void AddWorkers(const std::vector<Attempt>& attempts, v1::Provenance& provenance) {
  std::set<std::string> workers, devices, builds;
  for (const Attempt& attempt : attempts) {
    if (attempt.phase != Phase::kScore || attempt.outcome != Outcome::kCompleted) continue;
    workers.insert(attempt.worker);
    devices.insert(attempt.device);
    builds.insert(attempt.build);
  }
  provenance.mutable_workers()->Assign(workers.begin(), workers.end());
  provenance.mutable_devices()->Assign(devices.begin(), devices.end());
  provenance.mutable_builds()->Assign(builds.begin(), builds.end());
}

v1::Provenance ProvenanceOf(const PatternSource& source, const ReducedPattern& pattern) {
  const Job& job = source.job;
  v1::Provenance proto;
  proto.set_model(ModelName(job.spec.model));
  proto.set_model_digest(job.spec.model_digest);
  proto.set_family(job.model.family);
  proto.set_stored_dtype(job.model.stored_dtype);
  proto.set_compute_dtype(ToProto(kDTypes, job.spec.compute.dtype));
  *proto.mutable_compute() = ToProto(job.spec.compute);
  proto.set_dataset(DatasetName(job.spec.dataset));
  std::uint64_t skipped = 0;
  for (const auto& [reason, count] : source.skipped) skipped += count;
  proto.set_samples_total(pattern.samples + skipped);
  proto.set_samples_scored(pattern.samples);
  proto.mutable_samples_skipped()->insert(source.skipped.begin(), source.skipped.end());
  proto.set_tokens(pattern.tokens);
  proto.set_response_tokens(pattern.response_tokens);
  proto.set_batch_tokens(job.spec.batch_tokens.value_or(0));
  proto.set_halved_shards(static_cast<std::uint32_t>(job.counts.halved_shards));
  AddWorkers(source.attempts, proto);
  proto.set_attempts(job.counts.attempts);
  *proto.mutable_create_time() = ToProto(job.create_time);
  if (job.start_time) *proto.mutable_start_time() = ToProto(*job.start_time);
  if (job.end_time) *proto.mutable_end_time() = ToProto(*job.end_time);
  proto.set_kv_heads(job.model.kv_heads);
  proto.set_head_dim(job.model.head_dim);
  return proto;
}

}  // namespace

absl::StatusOr<PatternSource> ReadPatternSource(JobStore& store, const std::string& job_id) {
  absl::StatusOr<Job> job = store.GetJob(job_id);
  if (absl::IsNotFound(job.status())) {
    return MakeError(absl::StatusCode::kNotFound, absl::StrCat("there is no ", PatternName(job_id)),
                     "PATTERN_NOT_FOUND");
  }
  if (!job.ok()) return job.status();
  auto shards = store.ResultShards(job_id);
  if (!shards.ok()) return shards.status();
  auto attempts = store.ListAttempts(job_id, kAllAttempts);
  if (!attempts.ok()) return attempts.status();
  auto skipped = store.CountInvalidSamples(job_id);
  if (!skipped.ok()) return skipped.status();
  return PatternSource{*std::move(job), *std::move(shards), *std::move(attempts), *std::move(skipped)};
}

absl::StatusOr<ReducedPattern> ReducePattern(const PatternSource& source, const ReductionOptions& reduction,
                                             BlobStore& blobs, const std::function<absl::Status()>& keep_on) {
  std::optional<PatternAccumulator> accumulator;
  for (const ResultShard& shard : source.shards) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    const absl::StatusOr<ScoreBlock> block = ReadScores(blobs, shard);
    if (!block.ok()) return block.status();
    if (!accumulator) {
      const HeadShape shape{block->layers, block->heads, source.job.model.kv_heads};
      absl::StatusOr<PatternAccumulator> made = PatternAccumulator::Make(reduction, shape);
      if (!made.ok()) return made.status();
      accumulator = *std::move(made);
    }
    if (absl::Status status = accumulator->Add(*block); !status.ok()) return status;
  }
  if (!accumulator) return absl::FailedPreconditionError("no sample was scored, so there is no pattern");
  return accumulator->Finish();
}

v1::Pattern DescribePattern(const PatternSource& source, const ReductionOptions& reduction,
                            const ReducedPattern& pattern, const std::string& server_build) {
  const std::vector<std::uint32_t> shape = {pattern.layers, pattern.heads};
  v1::Pattern proto;
  proto.set_name(PatternName(source.job.id));
  *proto.mutable_values() = EncodeTensor(absl::MakeConstSpan(pattern.values), shape);
  if (pattern.standard_error) {
    *proto.mutable_standard_error() = EncodeTensor(absl::MakeConstSpan(*pattern.standard_error), shape);
  }
  *proto.mutable_reduction() = ToProto(reduction);
  *proto.mutable_provenance() = ProvenanceOf(source, pattern);
  proto.mutable_provenance()->set_server_build(server_build);
  proto.set_samples_scored(pattern.samples);
  proto.set_job(JobName(source.job.id));
  proto.mutable_labels()->insert(source.job.spec.labels.begin(), source.job.spec.labels.end());
  if (source.job.end_time) *proto.mutable_create_time() = ToProto(*source.job.end_time);
  proto.set_layers(pattern.layers);
  proto.set_heads(pattern.heads);
  return proto;
}

}  // namespace headscope::server
