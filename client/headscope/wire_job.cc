#include "absl/strings/str_cat.h"
#include "client/headscope/wire.h"
#include "client/headscope/wire_time.h"

namespace headscope::client {
namespace {

JobSpec SpecFromProto(const v1::JobSpec& proto) {
  JobSpec spec;
  spec.model = Bare(proto.model(), "models/");
  spec.model_digest = proto.model_digest();
  spec.dataset = Bare(proto.dataset(), "datasets/");
  spec.compute = FromProto(proto.compute());
  spec.reduction = FromProto(proto.reduction());
  spec.execution = FromProto(proto.execution());
  spec.labels = {proto.labels().begin(), proto.labels().end()};
  return spec;
}

}  // namespace

ExecutionOptions FromProto(const v1::Execution& proto) {
  ExecutionOptions execution;
  execution.priority = proto.priority();
  if (proto.has_batch_tokens()) execution.batch_tokens = proto.batch_tokens();
  if (proto.has_queue_ttl()) execution.queue_ttl = FromProto(proto.queue_ttl());
  if (proto.has_max_attempts()) execution.max_attempts = proto.max_attempts();
  return execution;
}

JobState FromProto(v1::Job::State state) {
  return JobStateFromName(v1::Job::State_Name(state)).value_or(JobState::kUnspecified);
}

v1::JobSpec ToProto(const JobSpec& spec) {
  v1::JobSpec proto;
  proto.set_model(absl::StrCat("models/", Bare(spec.model, "models/")));
  proto.set_model_digest(spec.model_digest);
  proto.set_dataset(absl::StrCat("datasets/", Bare(spec.dataset, "datasets/")));
  *proto.mutable_compute() = ToProto(spec.compute);
  *proto.mutable_reduction() = ToProto(spec.reduction);
  *proto.mutable_execution() = ToProto(spec.execution);
  proto.mutable_labels()->insert(spec.labels.begin(), spec.labels.end());
  return proto;
}

v1::Job::State ToProto(JobState state) {
  v1::Job::State proto = v1::Job::STATE_UNSPECIFIED;
  v1::Job::State_Parse(NameOf(state), &proto);
  return proto;
}

Progress FromProto(const v1::Progress& proto) {
  Progress progress;
  progress.samples_done = proto.samples_done();
  progress.samples_total = proto.samples_total();
  progress.tokens_done = proto.tokens_done();
  progress.tokens_total = proto.tokens_total();
  progress.tokens_kept = proto.tokens_kept();
  if (proto.has_eta()) progress.eta = FromProto(proto.eta());
  return progress;
}

Attempt FromProto(const v1::Attempt& proto) {
  Attempt attempt;
  attempt.phase = v1::Attempt::Phase_Name(proto.phase());
  attempt.shard = proto.shard();
  attempt.worker = proto.worker();
  if (proto.outcome() != v1::Attempt::OUTCOME_UNSPECIFIED) {
    attempt.outcome = v1::Attempt::Outcome_Name(proto.outcome());
  }
  attempt.message = proto.message();
  if (proto.has_start_time()) attempt.start_time = FromProto(proto.start_time());
  if (proto.has_end_time()) attempt.end_time = FromProto(proto.end_time());
  return attempt;
}

InvalidSample FromProto(const v1::InvalidSample& proto) {
  return {proto.index(), proto.id(), proto.reason(), proto.message()};
}

Job FromProto(const v1::Job& proto) {
  Job job;
  job.id = Bare(proto.name(), "jobs/");
  job.spec = SpecFromProto(proto.spec());
  job.state = FromProto(proto.state());
  job.cancel_requested = proto.cancel_requested();
  job.blocked_reason = proto.blocked_reason();
  job.progress = FromProto(proto.progress());
  if (proto.has_failure()) job.failure = Failure{proto.failure().reason(), proto.failure().message()};
  for (const v1::Attempt& attempt : proto.attempts()) job.attempts.push_back(FromProto(attempt));
  job.attempt_count = proto.attempt_count();
  job.pattern = Bare(proto.pattern(), "patterns/");
  job.invalid_samples = proto.invalid_samples();
  if (proto.has_create_time()) job.create_time = FromProto(proto.create_time());
  if (proto.has_start_time()) job.start_time = FromProto(proto.start_time());
  if (proto.has_end_time()) job.end_time = FromProto(proto.end_time());
  return job;
}

JobUpdate FromProto(const v1::WatchJobResponse& proto) {
  JobUpdate update;
  update.sequence = proto.sequence();
  update.time = FromProto(proto.time());
  if (proto.has_snapshot()) update.snapshot = FromProto(proto.snapshot());
  if (proto.has_progress()) update.progress = FromProto(proto.progress());
  if (proto.has_attempt()) update.attempt = FromProto(proto.attempt());
  return update;
}

}  // namespace headscope::client
