// Jobs, sweeps and results, faked.
#include "headscope/v1/attribution_service.grpc.pb.h"
#include "proto/support/crc32c.h"
#include "proto/support/sha256.h"
#include "tests/client/demo_messages.h"
#include "tests/client/fake_services.h"

namespace headscope::tests {
namespace {

class FakeAttributionService final : public v1::AttributionService::Service {
 public:
  explicit FakeAttributionService(FakeState& state) : state_(state) {}

  grpc::Status SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest* request,
                         v1::SubmitJobResponse* response) override {
    state_.submitted.push_back(*request);
    if (state_.submit_breaks > 0) {
      --state_.submit_breaks;
      return Broken();
    }
    *state_.job.mutable_spec() = request->spec();
    *response->mutable_job() = state_.job;
    response->mutable_job()->set_state(v1::Job::QUEUED);
    return grpc::Status::OK;
  }

  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest* request, v1::GetJobResponse* response) override {
    if (!IsKnown(request->name())) return NotFound(request->name(), "JOB_NOT_FOUND");
    *response->mutable_job() = state_.job;
    return grpc::Status::OK;
  }

  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override {
    state_.listed.push_back(*request);
    if (!state_.job.name().empty()) *response->add_jobs() = state_.job;
    return grpc::Status::OK;
  }

  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                         v1::CancelJobResponse* response) override {
    if (!IsKnown(request->name())) return NotFound(request->name(), "JOB_NOT_FOUND");
    state_.job.set_state(v1::Job::CANCELLED);
    *response->mutable_job() = state_.job;
    return grpc::Status::OK;
  }

  grpc::Status RetryJob(grpc::ServerContext*, const v1::RetryJobRequest* request,
                        v1::RetryJobResponse* response) override {
    if (!IsKnown(request->name())) return NotFound(request->name(), "JOB_NOT_FOUND");
    if (state_.job.state() == v1::Job::SUCCEEDED) {
      return ToGrpc(MakeError(absl::StatusCode::kFailedPrecondition, "job j-1 has SUCCEEDED", "JOB_NOT_RETRYABLE"));
    }
    *response->mutable_job() = state_.job;
    response->mutable_job()->set_state(v1::Job::QUEUED);
    return grpc::Status::OK;
  }

  grpc::Status DeleteJob(grpc::ServerContext*, const v1::DeleteJobRequest* request, v1::DeleteJobResponse*) override {
    if (!IsKnown(request->name())) return NotFound(request->name(), "JOB_NOT_FOUND");
    if (state_.job.state() == v1::Job::RUNNING) {
      return ToGrpc(MakeError(absl::StatusCode::kFailedPrecondition, "job j-1 is RUNNING", "JOB_NOT_ENDED"));
    }
    state_.deleted.push_back(request->name());
    return grpc::Status::OK;
  }

  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::WatchJobResponse>* writer) override {
    if (!IsKnown(request->name())) return NotFound(request->name(), "JOB_NOT_FOUND");
    state_.watched.push_back(*request);
    if (state_.watched.size() > state_.watches.size()) {
      writer->Write(Snapshot(1000, state_.job));
      return grpc::Status::OK;
    }
    const WatchScript& script = state_.watches[state_.watched.size() - 1];
    for (const v1::WatchJobResponse& response : script.responses) writer->Write(response);
    // Heartbeats without end: the write fails once the client has gone.
    while (script.hangs && !context->IsCancelled()) {
      v1::WatchJobResponse heartbeat;
      heartbeat.mutable_heartbeat();
      if (!writer->Write(heartbeat)) break;
    }
    if (script.crowded) {
      return ToGrpc(MakeError(absl::StatusCode::kResourceExhausted, "there are too many watchers",
                              ErrorDetails{"TOO_MANY_WATCHERS", {}, absl::Milliseconds(1)}));
    }
    if (script.refuses) return ToGrpc(absl::PermissionDeniedError("not for you"));
    return script.breaks ? Broken() : grpc::Status::OK;
  }

  grpc::Status SubmitSweep(grpc::ServerContext*, const v1::SubmitSweepRequest* request,
                           v1::SubmitSweepResponse* response) override {
    state_.sweeps_submitted.push_back(*request);
    *response->mutable_sweep() = state_.sweep;
    return grpc::Status::OK;
  }
  grpc::Status GetSweep(grpc::ServerContext*, const v1::GetSweepRequest* request,
                        v1::GetSweepResponse* response) override {
    if (!IsKnownSweep(request->name())) return NotFound(request->name(), "SWEEP_NOT_FOUND");
    if (state_.sweep_breaks > 0) {
      --state_.sweep_breaks;
      return Broken();
    }
    *response->mutable_sweep() = state_.sweep;
    if (state_.sweep_steps.empty()) return grpc::Status::OK;
    *response->mutable_sweep() = state_.sweep_steps.front();
    state_.sweep_steps.erase(state_.sweep_steps.begin());
    return grpc::Status::OK;
  }
  grpc::Status ListSweeps(grpc::ServerContext*, const v1::ListSweepsRequest* request,
                          v1::ListSweepsResponse* response) override {
    state_.sweeps_listed.push_back(*request);
    if (!state_.sweep.name().empty()) *response->add_sweeps() = state_.sweep;
    return grpc::Status::OK;
  }
  grpc::Status CancelSweep(grpc::ServerContext*, const v1::CancelSweepRequest* request,
                           v1::CancelSweepResponse* response) override {
    if (!IsKnownSweep(request->name())) return NotFound(request->name(), "SWEEP_NOT_FOUND");
    *response->mutable_sweep() = state_.sweep;
    response->mutable_sweep()->set_state(v1::Job::CANCELLED);
    return grpc::Status::OK;
  }
  grpc::Status RetrySweep(grpc::ServerContext*, const v1::RetrySweepRequest* request,
                          v1::RetrySweepResponse* response) override {
    if (!IsKnownSweep(request->name())) return NotFound(request->name(), "SWEEP_NOT_FOUND");
    state_.sweeps_retried.push_back(request->name());
    *response->mutable_sweep() = state_.sweep;
    return grpc::Status::OK;
  }
  grpc::Status DeleteSweep(grpc::ServerContext*, const v1::DeleteSweepRequest* request,
                           v1::DeleteSweepResponse*) override {
    if (!IsKnownSweep(request->name())) return NotFound(request->name(), "SWEEP_NOT_FOUND");
    state_.sweeps_deleted.push_back(*request);
    return grpc::Status::OK;
  }

  grpc::Status ReadResult(grpc::ServerContext*, const v1::ReadResultRequest* request,
                          grpc::ServerWriter<v1::ReadResultResponse>* writer) override {
    state_.result_offsets.push_back(request->offset());
    constexpr std::size_t kChunk = 64;
    const std::string sha256 = Sha256Of(state_.wrong_digest ? "other" : state_.result);
    for (std::size_t offset = request->offset(); offset < state_.result.size(); offset += kChunk) {
      if (state_.result_breaks > 0 && offset >= request->offset() + 2 * kChunk) {
        --state_.result_breaks;
        return Broken();
      }
      v1::ReadResultResponse chunk;
      chunk.set_offset(offset);
      chunk.set_data(state_.result.substr(offset, kChunk));
      chunk.set_crc32c(Crc32c(chunk.data()));
      chunk.set_total_bytes(state_.result.size());
      if (state_.bad_checksums > 0 && offset > request->offset()) {
        --state_.bad_checksums;
        chunk.set_crc32c(chunk.crc32c() + 1);
      }
      if (offset + kChunk >= state_.result.size()) chunk.set_sha256(sha256);
      if (!writer->Write(chunk)) break;
    }
    return grpc::Status::OK;
  }

  grpc::Status ListInvalidSamples(grpc::ServerContext*, const v1::ListInvalidSamplesRequest* request,
                                  v1::ListInvalidSamplesResponse* response) override {
    response->set_total(state_.invalid.size());
    response->set_next_page_token(Page(state_.invalid, request->page_token(),
                                       [&](const v1::InvalidSample& sample) { *response->add_samples() = sample; }));
    return grpc::Status::OK;
  }

 private:
  bool IsKnown(const std::string& name) const { return !name.empty() && name == state_.job.name(); }
  bool IsKnownSweep(const std::string& name) const { return !name.empty() && name == state_.sweep.name(); }

  FakeState& state_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeAttributionService(FakeState& state) {
  return std::make_unique<FakeAttributionService>(state);
}

}  // namespace headscope::tests
