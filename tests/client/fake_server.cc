#include "tests/client/fake_server.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "headscope/v1/attribution_service.grpc.pb.h"
#include "headscope/v1/dataset_service.grpc.pb.h"
#include "headscope/v1/model_service.grpc.pb.h"
#include "headscope/v1/pattern_service.grpc.pb.h"
#include "proto/support/crc32c.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/sample_codec.h"
#include "proto/support/wire/status_codec.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope::tests {
namespace {

grpc::Status Broken() { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "broken on purpose"); }

grpc::Status NotFound(const std::string& what, const std::string& reason) {
  return ToGrpc(MakeError(absl::StatusCode::kNotFound, absl::StrCat(what, " is unknown"), reason));
}

// Items two at a time, so that clients have to turn pages. The token is the next item's number.
template <typename Items, typename Add>
std::string Page(const Items& items, const std::string& token, const Add& add) {
  const std::size_t first = token.empty() ? 0 : std::stoul(token);
  const std::size_t last = std::min<std::size_t>(first + 2, items.size());
  for (std::size_t i = first; i < last; ++i) add(items[i]);
  return last < items.size() ? std::to_string(last) : "";
}

class Models final : public v1::ModelService::Service {
 public:
  explicit Models(FakeState& state) : state_(state) {}

  grpc::Status ListModels(grpc::ServerContext*, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override {
    response->set_next_page_token(
        Page(state_.models, request->page_token(), [&](const v1::Model& model) { *response->add_models() = model; }));
    return grpc::Status::OK;
  }

  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest* request,
                        v1::GetModelResponse* response) override {
    if (state_.before_first_worker > 0) {
      --state_.before_first_worker;
      return ToGrpc(MakeError(absl::StatusCode::kUnavailable, "no worker has connected yet", "NO_WORKER"));
    }
    for (const v1::Model& model : state_.models) {
      if (model.name() != request->name()) continue;
      *response->mutable_model() = model;
      return grpc::Status::OK;
    }
    return NotFound(request->name(), "MODEL_NOT_FOUND");
  }

  // Every byte is a token; two messages.
  grpc::Status Tokenize(grpc::ServerContext* context, const v1::TokenizeRequest* request,
                        grpc::ServerWriter<v1::TokenizeResponse>* writer) override {
    while (state_.tokenize_hangs) {
      if (context->IsCancelled()) return grpc::Status::CANCELLED;
      absl::SleepFor(absl::Milliseconds(1));
    }
    v1::TokenizeResponse first;
    first.set_prompt_tokens(static_cast<std::uint32_t>(request->text().size()));
    Fill(request->text(), first);
    v1::TokenizeResponse second;
    Fill(request->response(), second);
    writer->Write(first);
    writer->Write(second);
    return grpc::Status::OK;
  }

 private:
  static void Fill(const std::string& text, v1::TokenizeResponse& response) {
    for (const char byte : text) {
      response.add_ids(static_cast<unsigned char>(byte));
      response.add_tokens(std::string(1, byte));
    }
    response.set_text(text);
  }

  FakeState& state_;
};

class Datasets final : public v1::DatasetService::Service {
 public:
  explicit Datasets(FakeState& state) : state_(state) {}

  grpc::Status UploadDataset(grpc::ServerContext*, grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                             v1::UploadDatasetResponse* response) override {
    ++state_.uploads;
    state_.samples.clear();
    std::string encoded;
    v1::UploadDatasetRequest part;
    while (reader->Read(&part)) {
      if (part.has_header()) state_.display_name = part.header().display_name();
      for (const v1::Sample& sample : part.batch().samples()) {
        state_.samples.push_back(*FromProto(sample));
        AppendSampleRecord(state_.samples.back(), encoded);
      }
    }
    if (state_.upload_breaks > 0) {
      --state_.upload_breaks;
      return Broken();
    }
    const std::string sha256 = Sha256Of(state_.stores_other_digest ? "other" : encoded);
    v1::Dataset& dataset = *response->mutable_dataset();
    dataset.set_name(absl::StrCat("datasets/", ToHex(sha256)));
    dataset.set_sha256(sha256);
    dataset.set_sample_count(state_.samples.size());
    dataset.set_size_bytes(encoded.size());
    dataset.set_display_name(state_.display_name);
    stored_ = dataset;
    return grpc::Status::OK;
  }

  grpc::Status ListDatasets(grpc::ServerContext*, const v1::ListDatasetsRequest*,
                            v1::ListDatasetsResponse* response) override {
    if (!stored_.name().empty()) *response->add_datasets() = stored_;
    return grpc::Status::OK;
  }

  grpc::Status DeleteDataset(grpc::ServerContext*, const v1::DeleteDatasetRequest* request,
                             v1::DeleteDatasetResponse*) override {
    state_.deleted.push_back(request->name());
    return grpc::Status::OK;
  }

 private:
  FakeState& state_;
  v1::Dataset stored_;
};

class Jobs final : public v1::AttributionService::Service {
 public:
  explicit Jobs(FakeState& state) : state_(state) {}

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

class Patterns final : public v1::PatternService::Service {
 public:
  explicit Patterns(FakeState& state) : state_(state) {}

  grpc::Status GetPattern(grpc::ServerContext*, const v1::GetPatternRequest* request,
                          v1::GetPatternResponse* response) override {
    state_.patterns_asked.push_back(*request);
    const bool known = request->name() == state_.pattern.name() || request->name() == state_.pattern.job();
    if (!known) return NotFound(request->name(), "PATTERN_NOT_FOUND");
    const v1::Reduction& asked = request->reduction();
    if (asked.head_axis() == v1::HEAD_AXIS_KV_GROUP && asked.absolute() == v1::ABSOLUTE_PER_TOKEN) {
      ErrorDetails details{"BAD_REDUCTION", {{"reduction.absolute", "the planes do not determine it"}}, {}};
      return ToGrpc(MakeError(absl::StatusCode::kInvalidArgument, "the reduction is refused", details));
    }
    *response->mutable_pattern() = state_.pattern;
    if (request->has_reduction()) *response->mutable_pattern()->mutable_reduction() = asked;
    return grpc::Status::OK;
  }

  // Pages of two.
  grpc::Status ListPatterns(grpc::ServerContext*, const v1::ListPatternsRequest* request,
                            v1::ListPatternsResponse* response) override {
    state_.patterns_listed.push_back(*request);
    std::size_t next = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    for (int i = 0; i < 2 && next < state_.patterns.size(); ++i) *response->add_patterns() = state_.patterns[next++];
    if (next < state_.patterns.size()) response->set_next_page_token(std::to_string(next));
    return grpc::Status::OK;
  }
  grpc::Status ImportPattern(grpc::ServerContext*, const v1::ImportPatternRequest* request,
                             v1::ImportPatternResponse* response) override {
    state_.imported.push_back(*request);
    *response->mutable_pattern() = state_.pattern;
    return grpc::Status::OK;
  }
  grpc::Status DeletePattern(grpc::ServerContext*, const v1::DeletePatternRequest* request,
                             v1::DeletePatternResponse*) override {
    state_.deleted.push_back(request->name());
    return grpc::Status::OK;
  }
  grpc::Status DescribePattern(grpc::ServerContext* context, const v1::DescribePatternRequest* request,
                               v1::DescribePatternResponse* response) override {
    Hang(*context);
    state_.described = *request;
    *response = state_.description;
    return grpc::Status::OK;
  }
  grpc::Status ComparePatterns(grpc::ServerContext*, const v1::ComparePatternsRequest* request,
                               grpc::ServerWriter<v1::ComparePatternsResponse>* writer) override {
    state_.compared = *request;
    for (const v1::ComparePatternsResponse& part : state_.comparison) writer->Write(part);
    return grpc::Status::OK;
  }
  grpc::Status DecomposePattern(grpc::ServerContext* context, const v1::DecomposePatternRequest* request,
                                v1::DecomposePatternResponse* response) override {
    Hang(*context);
    state_.decomposed = *request;
    *response = state_.decomposition;
    return grpc::Status::OK;
  }
  grpc::Status TrackPatterns(grpc::ServerContext* context, const v1::TrackPatternsRequest* request,
                             v1::TrackPatternsResponse* response) override {
    Hang(*context);
    state_.tracked = *request;
    *response = state_.track;
    return grpc::Status::OK;
  }
  grpc::Status RankSamples(grpc::ServerContext*, grpc::ServerReader<v1::RankSamplesRequest>* reader,
                           v1::RankSamplesResponse* response) override {
    v1::RankSamplesRequest message;
    while (reader->Read(&message)) state_.ranked.push_back(message);
    *response = state_.ranking;
    return grpc::Status::OK;
  }
  grpc::Status PlanMixture(grpc::ServerContext*, const v1::PlanMixtureRequest* request,
                           v1::PlanMixtureResponse* response) override {
    state_.planned = *request;
    *response = state_.mixture;
    return grpc::Status::OK;
  }

 private:
  void Hang(const grpc::ServerContext& context) const {
    while (state_.analyses_hang && !context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
  }

  FakeState& state_;
};

}  // namespace

struct FakeServer::Impl {
  FakeState state;
  Models models{state};
  Datasets datasets{state};
  Jobs jobs{state};
  Patterns patterns{state};
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

FakeServer::FakeServer() : impl_(std::make_unique<Impl>()) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&impl_->models);
  builder.RegisterService(&impl_->datasets);
  builder.RegisterService(&impl_->jobs);
  builder.RegisterService(&impl_->patterns);
  impl_->server = builder.BuildAndStart();
  impl_->address = absl::StrCat("127.0.0.1:", port);
}

FakeServer::~FakeServer() { impl_->server->Shutdown(); }

FakeState& FakeServer::state() { return impl_->state; }

const std::string& FakeServer::address() const { return impl_->address; }

void FakeServer::SetServing(bool serving) { impl_->server->GetHealthCheckService()->SetServingStatus(serving); }

v1::Model DemoModel() {
  v1::Model model;
  model.set_name("models/demo");
  model.set_digest(Sha256Of("demo"));
  model.set_family("llama");
  model.set_layers(1);
  model.set_heads(2);
  model.set_kv_heads(2);
  model.set_has_tokenizer(true);
  model.add_workers("w-1");
  return model;
}

v1::Job DemoJob(v1::Job::State state) {
  v1::Job job;
  job.set_name("jobs/j-1");
  job.set_state(state);
  job.mutable_spec()->set_model("models/demo");
  job.mutable_spec()->set_model_digest(Sha256Of("demo"));
  job.mutable_spec()->mutable_compute()->set_engine(v1::ENGINE_REFERENCE);
  job.mutable_spec()->mutable_execution()->set_batch_tokens(1024);
  job.mutable_progress()->set_samples_done(2);
  job.mutable_progress()->set_samples_total(2);
  job.mutable_start_time()->set_seconds(1000);
  if (state == v1::Job::SUCCEEDED) job.set_pattern("patterns/p-1");
  return job;
}

v1::Sweep DemoSweep(v1::Job::State state) {
  v1::Sweep sweep;
  sweep.set_name("sweeps/s-1");
  sweep.set_state(state);
  sweep.mutable_spec()->add_models("models/demo");
  for (const char* task : {"copy", "sort"}) {
    const std::string dataset = absl::StrCat("datasets/", ToHex(Sha256Of(task)));
    v1::SweepDataset& added = *sweep.mutable_spec()->add_datasets();
    added.set_dataset(dataset);
    added.set_task(task);
    v1::SweepCell& cell = *sweep.add_cells();
    cell.set_model("models/demo");
    cell.set_dataset(dataset);
    cell.set_task(task);
    cell.set_job(absl::StrCat("jobs/j-", sweep.cells_size()));
    cell.set_state(state);
    cell.mutable_progress()->set_samples_total(2);
    if (state != v1::Job::SUCCEEDED) continue;
    cell.set_pattern(absl::StrCat("patterns/p-", sweep.cells_size()));
    cell.mutable_progress()->set_samples_done(2);
    sweep.mutable_progress()->set_samples_done(2ul * static_cast<unsigned>(sweep.cells_size()));
  }
  sweep.mutable_progress()->set_samples_total(4);
  sweep.mutable_counts()->set_total(2);
  if (state == v1::Job::QUEUED) sweep.mutable_counts()->set_queued(2);
  if (state == v1::Job::RUNNING) sweep.mutable_counts()->set_running(2);
  if (state == v1::Job::SUCCEEDED) sweep.mutable_counts()->set_succeeded(2);
  if (state == v1::Job::FAILED) sweep.mutable_counts()->set_failed(2);
  return sweep;
}

v1::Pattern DemoPattern() {
  v1::Pattern pattern;
  pattern.set_name("patterns/p-1");
  pattern.set_job("jobs/j-1");
  *pattern.mutable_values() = EncodeTensor(std::vector<double>{0.5, 0.25}, {1, 2});
  *pattern.mutable_standard_error() = EncodeTensor(std::vector<double>{0.1, 0.2}, {1, 2});
  pattern.set_samples_scored(2);
  v1::Provenance& provenance = *pattern.mutable_provenance();
  provenance.set_model("models/demo");
  provenance.set_model_digest(Sha256Of("demo"));
  provenance.set_samples_total(2);
  provenance.set_samples_scored(2);
  provenance.set_tokens(12);
  provenance.set_response_tokens(7);
  return pattern;
}

v1::WatchJobResponse Snapshot(std::uint64_t sequence, const v1::Job& job) {
  v1::WatchJobResponse response;
  response.set_sequence(sequence);
  *response.mutable_snapshot() = job;
  return response;
}

v1::WatchJobResponse ProgressEvent(std::uint64_t sequence, std::uint64_t samples, std::uint64_t tokens) {
  v1::WatchJobResponse response;
  response.set_sequence(sequence);
  response.mutable_progress()->set_samples_done(samples);
  response.mutable_progress()->set_tokens_done(tokens);
  return response;
}

std::string DeadAddress() {
  // A port that was free a moment ago: its server is gone.
  return FakeServer().address();
}

}  // namespace headscope::tests
