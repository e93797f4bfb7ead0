#include "tests/server/fleet/fleet_fixture.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "prometheus/registry.h"
#include "proto/support/error.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/block_digest.h"
#include "proto/support/wire/status_codec.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/jobs/methods.h"
#include "tests/fakes/stored_blobs.h"

namespace headscope::server {
namespace {

constexpr std::uint32_t kTokensOfASample = 4;

double GaugeNamed(const Metrics& metrics, const std::string& name) {
  for (const prometheus::MetricFamily& family : metrics.registry()->Collect()) {
    if (family.name == name && !family.metric.empty()) return family.metric.front().gauge.value;
  }
  return -1;
}

void SetDeadline(grpc::ClientContext& context) { context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience)); }

}  // namespace

std::string ModelDigest() { return Sha256Of("the model"); }

absl::Time MovableClock::Now() const {
  absl::MutexLock lock(&mutex_);
  return absl::Now() + offset_;
}

void MovableClock::Advance(absl::Duration by) {
  absl::MutexLock lock(&mutex_);
  offset_ += by;
}

FleetOptions FleetFixture::Options() {
  FleetOptions options;
  options.heartbeat_interval = kPatience;
  options.tick = absl::Milliseconds(20);
  options.local_token = kToken;
  return options;
}

void FleetFixture::SetUp() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  directory_ = std::filesystem::path(::testing::TempDir()) /
               (std::string(test->test_suite_name()) + "." + test->name() + "." + MakeId("t", *random_));
  std::filesystem::create_directories(directory_);
  auto store = OpenSqliteStore(directory_.string(), clock_, *random_);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  auto blobs = OpenFileBlobStore(directory_.string());
  ASSERT_TRUE(blobs.ok()) << blobs.status();
  blobs_ = *std::move(blobs);
  StartFleet();
}

void FleetFixture::TearDown() {
  StopFleet();
  store_.reset();
  std::filesystem::remove_all(directory_);
}

void FleetFixture::StartFleet() {
  executor_ = std::make_unique<StoreExecutor>(*store_);
  executor_->Start();
  io_ = std::make_unique<IoPool>(2);
  io_->Start();
  events_ = std::make_unique<JobEvents>(clock_, 1);
  fleet_ = std::make_unique<Fleet>(Options(), *executor_, *blobs_, *io_, *events_, metrics_, clock_);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&fleet_->worker_service());
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  fleet_->Start();
}

void FleetFixture::StopFleet() {
  if (fleet_ == nullptr) return;
  fleet_->Stop();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
  io_->Stop();
  executor_->Stop();
  server_.reset();
  fleet_.reset();
}

void FleetFixture::Restart() {
  StopFleet();
  StartFleet();
}

void FleetFixture::OnStore(const std::function<void(JobStore&)>& work) {
  absl::Notification done;
  ASSERT_TRUE(executor_->Post([&](JobStore& store) {
    work(store);
    done.Notify();
  }));
  done.WaitForNotification();
}

std::string FleetFixture::PutDataset(std::uint32_t count) {
  std::string bytes = DatasetHeader();
  for (std::uint32_t i = 0; i < count; ++i) {
    AppendSampleRecord({absl::StrCat("s", i), TokenIds{{1, 2, 3, 4 + i}, 1}}, bytes);
  }
  DatasetRecord record;
  record.digest = *PutBlob(*blobs_, bytes);
  record.sample_count = count;
  record.size_bytes = bytes.size();
  OnStore([&](JobStore& store) {
    Announced(store, record.digest);
    ASSERT_TRUE(store.PutDataset(record).ok());
  });
  return record.digest;
}

std::string FleetFixture::Submit(const std::string& dataset, const ComputeOptions& compute) {
  NewJob job;
  job.spec.model = kModel;
  job.spec.dataset = dataset;
  job.spec.compute = compute;
  std::string id;
  OnStore([&](JobStore& store) {
    const auto outcome = store.Submit(job);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    id = outcome->job.id;
    fleet_->Apply(outcome->effect);
  });
  return id;
}

Job FleetFixture::GetJob(const std::string& id) {
  Job job;
  OnStore([&](JobStore& store) {
    const auto got = store.GetJob(id);
    ASSERT_TRUE(got.ok()) << got.status();
    job = *got;
  });
  return job;
}

void FleetFixture::Cancel(const std::string& id) {
  OnStore([&](JobStore& store) {
    const auto effect = store.Cancel(id);
    ASSERT_TRUE(effect.ok()) << effect.status();
    fleet_->Apply(*effect);
  });
}

void FleetFixture::Pass(absl::Duration time) {
  // Two steps may fall into one round: together they are no pause yet.
  const absl::Duration step = kSessionTtl / 5;
  for (absl::Duration left = time; left > absl::ZeroDuration(); left -= step) {
    clock_.Advance(std::min(left, step));
    AwaitRound();
  }
}

// A round ends with its gauges: one of them tells how many bytes are stored, which grow here.
void FleetFixture::AwaitRound() {
  ASSERT_TRUE(PutBlob(*blobs_, MakeId("round-", *random_)).ok());
  const auto wanted = static_cast<double>(blobs_->stored_bytes());
  const absl::Time end = absl::Now() + kPatience;
  while (GaugeNamed(metrics_, "headscope_artifact_bytes") != wanted && absl::Now() < end) {
    absl::SleepFor(absl::Milliseconds(1));
  }
}

std::shared_ptr<grpc::Channel> FleetFixture::Connect() const {
  return grpc::CreateChannel("127.0.0.1:" + std::to_string(port_), grpc::InsecureChannelCredentials());
}

TestWorker::TestWorker(std::shared_ptr<grpc::Channel> channel, std::string id)
    : stub_(wv1::WorkerService::NewStub(std::move(channel))), id_(std::move(id)) {}

TestWorker::TestWorker(const TestWorker& other, std::shared_ptr<grpc::Channel> channel)
    : stub_(wv1::WorkerService::NewStub(std::move(channel))),
      id_(other.id_),
      session_(other.session_),
      epoch_(other.epoch_) {}

wv1::OpenSessionRequest TestWorker::OpenRequest() const {
  wv1::OpenSessionRequest request;
  request.set_worker_id(id_);
  request.set_boot_id("boot of " + id_);
  request.set_min_protocol(2);
  request.set_max_protocol(2);
  request.set_build("test 1");
  request.set_device("cpu");
  request.add_methods("gradient");
  wv1::CatalogueEntry& entry = *request.mutable_catalogue()->add_entries();
  entry.set_model(kModel);
  entry.set_digest(ModelDigest());
  entry.set_family("llama");
  entry.set_layers(kLayers);
  entry.set_heads(kHeads);
  entry.set_kv_heads(kHeads);
  entry.set_vocabulary(1000);
  entry.set_positions(64);
  return request;
}

grpc::Status TestWorker::Open(const wv1::OpenSessionRequest& request, const std::string& token) {
  grpc::ClientContext context;
  SetDeadline(context);
  if (!token.empty()) context.AddMetadata(Fleet::kLocalTokenKey, token);
  wv1::OpenSessionResponse response;
  const grpc::Status status = stub_->OpenSession(&context, request, &response);
  if (status.ok()) {
    session_ = response.session();
    epoch_ = response.epoch();
  }
  return status;
}

grpc::Status TestWorker::Lease(grpc::ClientContext& context, absl::Duration wait, std::vector<wv1::Phase> phases,
                               wv1::LeaseShardResponse& response) {
  auto request = WithSession<wv1::LeaseShardRequest>();
  request.mutable_max_wait()->set_seconds(absl::ToInt64Seconds(wait));
  for (const wv1::Phase phase : phases) request.add_phases(phase);
  SetDeadline(context);
  return stub_->LeaseShard(&context, request, &response);
}

wv1::LeaseShardResponse TestWorker::Lease(absl::Duration wait) {
  grpc::ClientContext context;
  wv1::LeaseShardResponse response;
  const grpc::Status status = Lease(context, wait, {wv1::PHASE_PREPARE, wv1::PHASE_SCORE}, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

wv1::HeartbeatRequest TestWorker::HeartbeatRequest(bool immediate) const {
  auto request = WithSession<wv1::HeartbeatRequest>();
  request.set_immediate(immediate);
  return request;
}

grpc::Status TestWorker::Heartbeat(const wv1::HeartbeatRequest& request, wv1::HeartbeatResponse& response) {
  grpc::ClientContext context;
  SetDeadline(context);
  return stub_->Heartbeat(&context, request, &response);
}

grpc::Status TestWorker::ReadDataset(const wv1::LeaseRef& lease, std::vector<std::string>& ids) {
  auto request = WithSession<wv1::ReadDatasetRequest>();
  *request.mutable_lease() = lease;
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = stub_->ReadDataset(&context, request);
  wv1::ReadDatasetResponse response;
  while (reader->Read(&response)) {
    for (const auto& sample : response.batch().samples()) ids.push_back(sample.id());
  }
  return reader->Finish();
}

std::vector<wv1::CompleteShardRequest> TestWorker::Wrap(const wv1::Shard& shard,
                                                        std::vector<wv1::CompleteShardRequest> blocks) const {
  BlockDigest digest;
  for (const auto& block : blocks) {
    if (block.has_scores()) digest.Add(block.scores());
    if (block.has_prepared()) digest.Add(block.prepared());
    if (block.has_tokens()) digest.Add(block.tokens());
    if (block.has_tokenized()) digest.Add(block.tokenized());
  }
  wv1::CompleteShardRequest header;
  *header.mutable_header() = WithSession<wv1::CompleteShardRequest::Header>();
  *header.mutable_header()->mutable_lease() = shard.lease();
  header.mutable_header()->set_model_digest(ModelDigest());
  header.mutable_header()->set_batch_tokens(shard.batch_tokens());
  wv1::CompleteShardRequest commit;
  commit.mutable_commit()->set_sha256(digest.Finish());
  blocks.insert(blocks.begin(), header);
  blocks.push_back(commit);
  return blocks;
}

std::vector<wv1::CompleteShardRequest> TestWorker::PrepareResult(const wv1::Shard& shard) const {
  wv1::CompleteShardRequest message;
  auto& block = *message.mutable_prepared();
  for (const std::uint32_t sample : shard.samples()) {
    block.add_samples(sample);
    block.add_tokens(kTokensOfASample);
    block.add_prompt_tokens(1);
  }
  return Wrap(shard, {message});
}

std::vector<wv1::CompleteShardRequest> TestWorker::ScoreResult(const wv1::Shard& shard) const {
  std::vector<wv1::CompleteShardRequest> blocks;
  // One sample a block: more than one block wherever there is more than one sample.
  for (const std::uint32_t sample : shard.samples()) {
    wv1::CompleteShardRequest message;
    auto& block = *message.mutable_scores();
    block.add_samples(sample);
    block.add_tokens(kTokensOfASample);
    block.add_response_tokens(3);
    block.add_objective(0.5 + sample);
    for (const std::string& plane : PlanesOf("gradient")) {
      const std::vector<float> values(kLayers * kHeads, static_cast<float>(sample));
      (*block.mutable_planes())[plane] = EncodeTensor(values, {1, kLayers, kHeads});
    }
    blocks.push_back(message);
  }
  return Wrap(shard, blocks);
}

std::vector<wv1::CompleteShardRequest> TestWorker::TokenBlocks(const wv1::Shard& shard) const {
  std::vector<wv1::CompleteShardRequest> blocks(2);
  std::uint32_t token = 0;
  for (const std::uint32_t sample : shard.samples()) {
    for (const std::uint32_t id : {1u, 2u, 3u, 4 + sample}) {
      wv1::TokenBlock& block = *blocks[token < 3 ? 0 : 1].mutable_tokens();
      block.add_ids(id);
      block.mutable_response_mask()->push_back(id == 1 ? '\0' : '\1');
      block.add_strings(absl::StrCat("t", token++));
    }
  }
  return blocks;
}

grpc::Status TestWorker::Send(const std::vector<wv1::CompleteShardRequest>& messages) {
  grpc::ClientContext context;
  SetDeadline(context);
  wv1::CompleteShardResponse response;
  const auto writer = stub_->CompleteShard(&context, &response);
  for (const auto& message : messages) {
    if (!writer->Write(message)) break;
  }
  writer->WritesDone();
  return writer->Finish();
}

grpc::Status TestWorker::Complete(const wv1::Shard& shard) {
  return Send(shard.phase() == wv1::PHASE_PREPARE ? PrepareResult(shard) : ScoreResult(shard));
}

grpc::Status TestWorker::Fail(const wv1::LeaseRef& lease, const std::string& reason, bool retryable) {
  auto request = WithSession<wv1::FailShardRequest>();
  *request.mutable_lease() = lease;
  request.mutable_failure()->set_reason(reason);
  request.mutable_failure()->set_message("as the test wants");
  request.set_retryable(retryable);
  grpc::ClientContext context;
  SetDeadline(context);
  wv1::FailShardResponse response;
  return stub_->FailShard(&context, request, &response);
}

grpc::Status TestWorker::Release(const wv1::LeaseRef& lease) {
  auto request = WithSession<wv1::ReleaseShardRequest>();
  *request.mutable_lease() = lease;
  grpc::ClientContext context;
  SetDeadline(context);
  wv1::ReleaseShardResponse response;
  return stub_->ReleaseShard(&context, request, &response);
}

grpc::Status TestWorker::Close() {
  grpc::ClientContext context;
  SetDeadline(context);
  wv1::CloseSessionResponse response;
  return stub_->CloseSession(&context, WithSession<wv1::CloseSessionRequest>(), &response);
}

std::string ReasonIn(const grpc::Status& status) { return ReasonOf(FromGrpc(status)); }

}  // namespace headscope::server
