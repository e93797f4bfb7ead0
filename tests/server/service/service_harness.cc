#include "tests/server/service/service_harness.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/jobs/methods.h"
#include "server/store/housekeeping.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {

CatalogueEntry ServiceHarness::ModelEntry(const std::string& name) {
  CatalogueEntry entry;
  entry.model = name;
  entry.digest = std::string(32, 'd');
  entry.family = "llama";
  entry.layers = 2;
  entry.heads = 4;
  entry.kv_heads = 2;
  entry.head_dim = 8;
  entry.vocabulary = 1000;
  entry.positions = 4096;
  entry.stored_dtype = "F32";
  return entry;
}

ServiceHarness::ServiceHarness(HarnessOptions options) : directory_(MakeTemporaryFolder()) {
  lock_ = *DataDirectory::Lock(directory_);
  store_ = *OpenSqliteStore(directory_, clock_, *random_);
  blobs_ = *OpenFileBlobStore(directory_);
  executor_ = std::make_unique<StoreExecutor>(*store_);
  executor_->Start();
  io_.Start();
  analyses_.Start();
  fleet_ = std::make_unique<Fleet>(FleetOptions{}, *executor_, *blobs_, io_, events_, metrics_, clock_);
  ServiceContext context{*executor_, *blobs_,  io_,    analyses_, events_,
                         *fleet_,    metrics_, clock_, *random_,  "headscope-server 0.0.0"};
  context.watch_heartbeat = options.watch_heartbeat;
  context.rank_idle_limit = options.rank_idle_limit;
  context.call_log = [this](const CallRecord& record) {
    const std::lock_guard lock(log_mutex_);
    log_.push_back(record);
  };
  services_ = std::make_unique<Services>(std::move(context));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services_->all()) builder.RegisterService(service);
  server_ = builder.BuildAndStart();
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials());
  attribution_ = v1::AttributionService::NewStub(channel);
  datasets_ = v1::DatasetService::NewStub(channel);
  models_ = v1::ModelService::NewStub(channel);
  patterns_ = v1::PatternService::NewStub(channel);
}

ServiceHarness::~ServiceHarness() {
  services_->RefuseNewWork();
  fleet_->Drain();
  services_->FinishStreams();
  ShutdownServer(absl::Seconds(5));
  fleet_->Stop();
  analyses_.Stop();
  io_.Stop();
  executor_->Stop();
  services_.reset();
  fleet_.reset();
  store_.reset();
  lock_.reset();
  std::filesystem::remove_all(directory_);
}

std::vector<CallRecord> ServiceHarness::log() const {
  const std::lock_guard lock(log_mutex_);
  return log_;
}

void ServiceHarness::ShutdownServer(absl::Duration grace) {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  server_->Wait();
  server_.reset();
}

void ServiceHarness::PutCatalogue(const std::vector<CatalogueEntry>& entries, const std::string& worker) {
  const absl::Status status = OnStore([&](JobStore& store) { return store.PutCatalogue(worker, entries); });
  ASSERT_TRUE(status.ok()) << status;
}

std::optional<Lease> ServiceHarness::Claim(const std::string& job) {
  if (!session_) {
    const auto grant = OnStore([](JobStore& store) {
      return store.OpenSession({"worker-a", "boot", "headscope 0, LibTorch 0", "cpu", false});
    });
    EXPECT_TRUE(grant.ok()) << grant.status();
    session_ = grant->ref;
  }
  return OnStore([&](JobStore& store) -> std::optional<Lease> {
    const auto candidates = store.Candidates();
    EXPECT_TRUE(candidates.ok()) << candidates.status();
    for (const Candidate& candidate : *candidates) {
      if (candidate.job != job) continue;
      auto lease = store.Claim(*session_, candidate.shard);
      EXPECT_TRUE(lease.ok()) << lease.status();
      return *lease;
    }
    return std::nullopt;
  });
}

float ServiceHarness::ScoreOf(const std::string& plane, std::uint32_t sample, std::uint32_t layer, std::uint32_t head) {
  const bool absolute = plane.ends_with("absolute");
  const float size = 1.0f + sample + 10.0f * layer + 100.0f * head + (plane.starts_with("prompt") ? 0.25f : 0.5f);
  return absolute || (sample + head) % 2 == 0 ? size : -size;
}

void ServiceHarness::Complete(const Lease& lease, std::uint32_t tokens, const std::vector<InvalidSample>& invalid) {
  const LeaseKey key{*session_, lease.shard.id, lease.shard.fence};
  const auto is_invalid = [&](std::uint32_t index) {
    for (const InvalidSample& sample : invalid) {
      if (sample.index == index) return true;
    }
    return false;
  };
  absl::StatusOr<Effect> effect;
  if (lease.shard.phase == Phase::kPrepare) {
    std::vector<PreparedSample> valid;
    for (const std::uint32_t index : lease.shard.samples) {
      if (!is_invalid(index)) valid.push_back({index, tokens, tokens / 4});
    }
    effect = OnStore([&](JobStore& store) { return store.CompletePrepare(key, std::string(32, 'd'), valid, invalid); });
  } else {
    ScoreBlock block;
    block.samples = lease.shard.samples;
    block.layers = 2;
    block.heads = 4;
    for (const std::uint32_t sample : block.samples) {
      block.tokens.push_back(tokens);
      block.response_tokens.push_back(tokens - tokens / 4);
      block.objective.push_back(0.5 + sample);
      for (const std::string& plane : PlanesOf("gradient")) {
        for (std::uint32_t head = 0; head < 8; ++head) {
          block.planes[plane].push_back(ScoreOf(plane, sample, head / 4, head % 4));
        }
      }
    }
    const auto blob = PutBlob(*blobs_, EncodeScores(block));
    ASSERT_TRUE(blob.ok()) << blob.status();
    const std::uint64_t response_tokens = block.samples.size() * (tokens - tokens / 4);
    effect = OnStore(
        [&](JobStore& store) { return store.CompleteScore(key, Announced(store, *blob), lease.shard.batch_tokens, response_tokens); });
  }
  ASSERT_TRUE(effect.ok()) << effect.status();
  ApplyEffect(*effect);
}

void ServiceHarness::RemoveUnusedBlobs() {
  const absl::StatusOr<bool> more = Housekeeping({}, *executor_, *blobs_).RemoveUnusedBlobs();
  ASSERT_TRUE(more.ok()) << more.status();
}

void ServiceHarness::Fail(const Lease& lease, const ShardFailure& failure) {
  const LeaseKey key{*session_, lease.shard.id, lease.shard.fence};
  const auto effect = OnStore([&](JobStore& store) { return store.Fail(key, failure); });
  ASSERT_TRUE(effect.ok()) << effect.status();
  ApplyEffect(*effect);
}

void ServiceHarness::RunJob(const std::string& job, std::uint32_t tokens, const std::vector<InvalidSample>& invalid) {
  while (const std::optional<Lease> lease = Claim(job)) Complete(*lease, tokens, invalid);
}

std::string ServiceHarness::Upload(int samples) {
  const Uploaded uploaded = UploadParts(*this, {HeaderPart(), BatchPart(TokenSamples(samples)), CommitPart(samples)});
  EXPECT_TRUE(uploaded.status.ok()) << uploaded.status;
  return uploaded.dataset.name();
}

std::string ServiceHarness::Submit(int samples, const v1::Reduction& reduction) {
  PutCatalogue({ModelEntry()});
  v1::SubmitJobRequest request;
  request.mutable_spec()->set_model(kModel);
  request.mutable_spec()->set_dataset(Upload(samples));
  *request.mutable_spec()->mutable_reduction() = reduction;
  v1::SubmitJobResponse response;
  const grpc::Status status = attribution_->SubmitJob(Context().get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.job().name().substr(5);
}

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  return context;
}

v1::SampleBatch TokenSamples(int count, int first) {
  v1::SampleBatch batch;
  for (int i = first; i < first + count; ++i) {
    v1::Sample& sample = *batch.add_samples();
    sample.set_id(absl::StrCat("s", i));
    v1::TokenIds& tokens = *sample.mutable_input()->mutable_tokens();
    for (const int id : {1, 2, 3, i}) tokens.add_ids(id);
    tokens.set_prompt_tokens(2);
  }
  return batch;
}

Uploaded UploadParts(ServiceHarness& harness, const std::vector<v1::UploadDatasetRequest>& parts) {
  const auto context = Context();
  v1::UploadDatasetResponse response;
  const auto writer = harness.datasets().UploadDataset(context.get(), &response);
  for (const auto& part : parts) {
    if (!writer->Write(part)) break;
  }
  writer->WritesDone();
  const absl::Status status = FromGrpc(writer->Finish());
  return {status, response.dataset()};
}

v1::UploadDatasetRequest HeaderPart(const std::string& display_name) {
  v1::UploadDatasetRequest part;
  part.mutable_header()->set_display_name(display_name);
  return part;
}

v1::UploadDatasetRequest BatchPart(const v1::SampleBatch& batch) {
  v1::UploadDatasetRequest part;
  *part.mutable_batch() = batch;
  return part;
}

v1::UploadDatasetRequest CommitPart(std::uint64_t samples, const std::string& sha256) {
  v1::UploadDatasetRequest part;
  part.mutable_commit()->set_sample_count(samples);
  part.mutable_commit()->set_sha256(sha256);
  return part;
}

ErrorDetails DetailsOf(const grpc::Status& status) { return headscope::DetailsOf(FromGrpc(status)); }

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  int infos = 0;
  for (const auto& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info)) continue;
    ++infos;
    EXPECT_EQ(info.domain(), "headscope");
  }
  EXPECT_EQ(infos, 1) << status.error_message();
  return DetailsOf(status).reason;
}

std::vector<std::string> FieldsOf(const grpc::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).violations) fields.push_back(violation.field);
  return fields;
}

}  // namespace headscope::server
