// The services behind a real gRPC server on a free port, over a real store in a folder of its own, and a worker played
// by the test.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "headscope/v1/attribution_service.grpc.pb.h"
#include "headscope/v1/dataset_service.grpc.pb.h"
#include "headscope/v1/model_service.grpc.pb.h"
#include "headscope/v1/pattern_service.grpc.pb.h"
#include "proto/support/clock.h"
#include "proto/support/random_source.h"
#include "proto/support/wire/status_codec.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job_events.h"
#include "server/jobs/scores.h"
#include "server/metrics/metrics.h"
#include "server/service/services.h"
#include "server/store/io_pool.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_executor.h"

namespace headscope::server {

// Stands still until it is moved. Thread-safe.
class StoppedClock : public Clock {
 public:
  absl::Time Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void Advance(absl::Duration duration) {
    const std::lock_guard lock(mutex_);
    now_ += duration;
  }

 private:
  mutable std::mutex mutex_;
  absl::Time now_ = absl::FromUnixSeconds(1'750'000'000);
};

struct HarnessOptions {
  absl::Duration watch_heartbeat = absl::Hours(1);
  absl::Duration rank_idle_limit = absl::Hours(1);
};

class ServiceHarness {
 public:
  static constexpr char kModel[] = "family/model";
  // 2 layers of 4 query heads, 2 key-value heads.
  static CatalogueEntry ModelEntry(const std::string& name = kModel);

  explicit ServiceHarness(HarnessOptions options = {});
  // Ends everything in the order that services.h asks for.
  ~ServiceHarness();

  v1::AttributionService::Stub& attribution() { return *attribution_; }
  v1::DatasetService::Stub& datasets() { return *datasets_; }
  v1::ModelService::Stub& models() { return *models_; }
  v1::PatternService::Stub& patterns() { return *patterns_; }
  Services& services() { return *services_; }
  JobEvents& events() { return events_; }
  StoppedClock& clock() { return clock_; }
  BlobStore& blobs() { return *blobs_; }
  // What the server does a moment after every delete.
  void RemoveUnusedBlobs();
  std::vector<CallRecord> log() const;
  // Ends the gRPC server alone; true when that returned within `grace` and a little.
  void ShutdownServer(absl::Duration grace);

  // Runs `work(JobStore&)` on the store's thread and waits for its result.
  template <typename Work>
  auto OnStore(Work work) -> decltype(work(std::declval<JobStore&>())) {
    std::promise<decltype(work(std::declval<JobStore&>()))> result;
    executor_->Post([&](JobStore& store) { result.set_value(work(store)); });
    return result.get_future().get();
  }

  // --- a worker, played
  void PutCatalogue(const std::vector<CatalogueEntry>& entries, const std::string& worker = "worker-a");
  // Leases the next shard of `job`, or nothing.
  std::optional<Lease> Claim(const std::string& job);
  // Completes a lease: every sample has `tokens` tokens, a fourth of them prompt, unless it is among `invalid`.
  void Complete(const Lease& lease, std::uint32_t tokens = 40, const std::vector<InvalidSample>& invalid = {});
  void Fail(const Lease& lease, const ShardFailure& failure);
  // All shards of the job, one after the other.
  void RunJob(const std::string& job, std::uint32_t tokens = 40, const std::vector<InvalidSample>& invalid = {});
  // The score that the worker gives: distinct for every plane, sample, layer and head.
  static float ScoreOf(const std::string& plane, std::uint32_t sample, std::uint32_t layer, std::uint32_t head);

  // --- clients' common steps; they fail the test when refused
  // `samples` token-id samples; returns the dataset's name.
  std::string Upload(int samples);
  // Id of a new job over `samples` samples, without "jobs/".
  std::string Submit(int samples, const v1::Reduction& reduction = {});

 private:
  void ApplyEffect(const Effect& effect) { fleet_->Apply(effect); }

  StoppedClock clock_;
  std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  std::string directory_;
  std::unique_ptr<DataDirectory> lock_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BlobStore> blobs_;
  Metrics metrics_{"0.0.0", "test"};
  JobEvents events_{clock_, 7};
  std::unique_ptr<StoreExecutor> executor_;
  IoPool io_{2};
  IoPool analyses_{2, "analyses"};
  std::unique_ptr<Fleet> fleet_;
  mutable std::mutex log_mutex_;
  std::vector<CallRecord> log_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::AttributionService::Stub> attribution_;
  std::unique_ptr<v1::DatasetService::Stub> datasets_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::unique_ptr<v1::PatternService::Stub> patterns_;
  std::optional<SessionRef> session_;
};

// A client context with a deadline, so that a test that waits in vain fails instead of hanging.
std::unique_ptr<grpc::ClientContext> Context();

// `count` samples of token ids, named "s0", "s1", ...; all different.
v1::SampleBatch TokenSamples(int count, int first = 0);

// A whole upload with the parts given; the commit counts them.
struct Uploaded {
  absl::Status status;
  v1::Dataset dataset;
};
Uploaded UploadParts(ServiceHarness& harness, const std::vector<v1::UploadDatasetRequest>& parts);
v1::UploadDatasetRequest HeaderPart(const std::string& display_name = "test");
v1::UploadDatasetRequest BatchPart(const v1::SampleBatch& batch);
v1::UploadDatasetRequest CommitPart(std::uint64_t samples, const std::string& sha256 = "");

// Reason, and that the error has exactly one ErrorInfo of our domain.
std::string ReasonOf(const grpc::Status& status);
ErrorDetails DetailsOf(const grpc::Status& status);
std::vector<std::string> FieldsOf(const grpc::Status& status);

}  // namespace headscope::server
