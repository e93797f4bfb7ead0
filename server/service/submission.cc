#include "server/service/submission.h"

#include <optional>
#include <string>
#include <utility>

#include "proto/support/sha256.h"
#include "server/service/convert.h"
#include "server/service/model_catalogue.h"
#include "server/service/request_hash.h"
#include "server/service/resource_names.h"
#include "server/service/sample_intake.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr char kInlineField[] = "spec.inline_samples.samples";

// One submission on its way through the executors.
class Submission : public std::enable_shared_from_this<Submission> {
 public:
  Submission(Shared& shared, const UnaryCall<v1::SubmitJobResponse>& call, const v1::SubmitJobRequest& request)
      : shared_(shared), call_(call), request_(request) {}

  grpc::ServerUnaryReactor* Start() {
    if (absl::Status open = shared_.CheckOpenWithRoom(); !open.ok()) return Reject(std::move(open));
    job_ = ValidateSubmit(request_, violations_);
    if (request_.spec().has_inline_samples())
      return call_.ThenOnIo([self = shared_from_this()] { self->TakeSamples(); });
    if (!violations_.empty()) return Reject(violations_.status());
    return QueueOnStore();
  }

 private:
  grpc::ServerUnaryReactor* Reject(absl::Status status) {
    const std::string reason = ReasonOf(status);
    shared_.context.metrics.JobRejected(reason.empty() ? absl::StatusCodeToString(status.code()) : reason);
    return call_.Refuse(std::move(status));
  }

  grpc::ServerUnaryReactor* QueueOnStore() {
    return call_.ThenOnStore([self = shared_from_this()](JobStore& store) {
      if (absl::Status status = self->Queue(store); !status.ok()) self->Reject(std::move(status));
    });
  }

  // On the pool.
  void TakeSamples() {
    if (absl::Status status = CheckSamples(); !status.ok()) {
      Reject(std::move(status));
      return;
    }
    QueueOnStore();
  }

  absl::Status CheckSamples() {
    SampleIntake intake(kInlineField);
    if (absl::Status status = intake.Add(request_.spec().inline_samples(), violations_, records_); !status.ok()) {
      return status;
    }
    intake.CheckWhole(violations_);
    if (!violations_.empty()) return violations_.status();
    inline_.emplace();
    inline_->sample_count = intake.sample_count();
    inline_->size_bytes = intake.size_bytes();
    inline_->create_time = shared_.context.clock.Now();
    inline_->digest = ToHex(intake.FinishDigest());
    job_.spec.dataset = inline_->digest;
    return absl::OkStatus();
  }

  // On the pool, once nothing else speaks against the job: what is refused leaves no file.
  void StoreSamples() {
    absl::StatusOr<HeldBlob> held = shared_.intake.Put(records_);
    if (!held.ok()) {
      Reject(held.status());
      return;
    }
    held_ = *std::move(held);
    QueueOnStore();
  }

  // On the store's thread: finishes the call unless it returns an error.
  absl::Status Queue(JobStore& store) {
    job_.request_hash = RequestHash(job_.spec);
    if (!request_.validate_only()) {
      // Whatever has become of the model since.
      absl::StatusOr<std::optional<Job>> former = store.FindSubmitted(job_);
      if (!former.ok()) return former.status();
      if (*former) {
        AnswerQueued(**std::move(former));
        return absl::OkStatus();
      }
    }
    const absl::StatusOr<CatalogueRows> rows = store.Catalogue();
    if (!rows.ok()) return rows.status();
    if (absl::Status status = CheckAnyWorkerSeen(*rows, shared_.context.fleet.Workers()); !status.ok()) return status;
    absl::StatusOr<std::string> digest = ResolveModel(*rows, job_.spec.model, job_.spec.model_digest);
    if (!digest.ok()) return digest.status();
    job_.spec.model_digest = *std::move(digest);
    if (request_.validate_only()) return Preview(store);
    if (!inline_ || held_) return Insert(store);
    call_.ThenOnIo([self = shared_from_this()] { self->StoreSamples(); });
    return absl::OkStatus();
  }

  // The job as it would be queued, without a name.
  absl::Status Preview(JobStore& store) {
    Job job;
    job.spec = job_.spec;
    job.create_time = shared_.context.clock.Now();
    if (inline_) {
      job.counts.samples_total = inline_->sample_count;
    } else {
      const absl::StatusOr<DatasetRecord> dataset = store.GetDataset(job_.spec.dataset);
      if (!dataset.ok()) return dataset.status();
      job.counts.samples_total = dataset->sample_count;
    }
    Answer(std::move(job));
    return absl::OkStatus();
  }

  absl::Status Insert(JobStore& store) {
    if (inline_) {
      const absl::StatusOr<DatasetRecord> recorded = store.PutDataset(*inline_);
      if (!recorded.ok()) return recorded.status();
      held_->Recorded();
    }
    absl::StatusOr<SubmitOutcome> outcome = store.Submit(job_);
    if (!outcome.ok()) return outcome.status();
    if (outcome->created) shared_.context.metrics.JobSubmitted(job_.spec.compute.method);
    shared_.context.fleet.Apply(outcome->effect);
    AnswerQueued(std::move(outcome->job));
    return absl::OkStatus();
  }

  void AnswerQueued(Job job) {
    call_.SetResource(JobName(job.id));
    Answer(std::move(job));
  }

  void Answer(Job job) {
    v1::SubmitJobResponse answer;
    *answer.mutable_job() = ToProto(ViewOf(std::move(job), shared_.context.fleet, shared_.context.clock.Now()));
    call_.Finish(std::move(answer));
  }

  Shared& shared_;
  const UnaryCall<v1::SubmitJobResponse> call_;
  // Alive until the call is finished.
  const v1::SubmitJobRequest& request_;
  Violations violations_;
  NewJob job_;
  // The dataset that came with the request: its bytes, and once it is clear that they are wanted, where they are held.
  std::optional<DatasetRecord> inline_;
  std::string records_;
  std::optional<HeldBlob> held_;
};

}  // namespace

grpc::ServerUnaryReactor* Submit(Shared& shared, const UnaryCall<v1::SubmitJobResponse>& call,
                                 const v1::SubmitJobRequest& request) {
  return std::make_shared<Submission>(shared, call, request)->Start();
}

}  // namespace headscope::server
