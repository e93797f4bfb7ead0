// A fleet over a real store in a temporary folder, its service on a real listener, and a worker written for tests.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "headscope/worker/v1/worker_service.grpc.pb.h"
#include "proto/support/clock.h"
#include "proto/support/random_source.h"
#include "server/fleet/fleet.h"
#include "server/metrics/metrics.h"
#include "server/store/sqlite_store.h"

namespace headscope::server {

namespace wv1 = headscope::worker::v1;

inline constexpr char kModel[] = "family/model";
inline constexpr std::uint32_t kLayers = 2;
inline constexpr std::uint32_t kHeads = 3;
inline constexpr char kToken[] = "the boot's secret";
// Far longer than anything here takes; tests end by events, not by it.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

std::string ModelDigest();

// The machine's clock, moved by hand on top of its own going.
class MovableClock : public Clock {
 public:
  absl::Time Now() const override;
  void Advance(absl::Duration by);

 private:
  mutable absl::Mutex mutex_;
  absl::Duration offset_ ABSL_GUARDED_BY(mutex_);
};

class FleetFixture : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  // Tests that need other options set them before this.
  virtual FleetOptions Options();

  // Ends fleet and server, and starts new ones on the same store, as a restarted server would.
  void Restart();
  void StartFleet();
  void StopFleet();

  // Runs on the store's thread, waits, and lets the fleet apply the effect.
  void OnStore(const std::function<void(JobStore&)>& work);
  // `count` samples of token ids, 4 tokens each, one of them prompt; ids "s0", "s1", ...
  std::string PutDataset(std::uint32_t count);
  std::string Submit(const std::string& dataset, const ComputeOptions& compute = {});
  Job GetJob(const std::string& id);
  void Cancel(const std::string& id);
  // Time passes as it does for a server that runs: in small steps, a round of the reaper in each.
  void Pass(absl::Duration time);
  // Returns when a round of the reaper has ended that began no earlier than this call, or the one before it.
  void AwaitRound();
  std::shared_ptr<grpc::Channel> Connect() const;

  MovableClock clock_;
  std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  std::filesystem::path directory_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<StoreExecutor> executor_;
  std::unique_ptr<IoPool> io_;
  std::unique_ptr<JobEvents> events_;
  Metrics metrics_{"test", "test"};
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// One worker: a stub, a session, and results made up by rule. Thread-compatible but for what gRPC allows at once.
class TestWorker {
 public:
  TestWorker(std::shared_ptr<grpc::Channel> channel, std::string id);
  // The same worker with its session on another connection.
  TestWorker(const TestWorker& other, std::shared_ptr<grpc::Channel> channel);

  wv1::OpenSessionRequest OpenRequest() const;
  grpc::Status Open() { return Open(OpenRequest()); }
  grpc::Status Open(const wv1::OpenSessionRequest& request, const std::string& token = "");

  // Of any phase but TOKENIZE.
  wv1::LeaseShardResponse Lease(absl::Duration wait);
  grpc::Status Lease(grpc::ClientContext& context, absl::Duration wait, std::vector<wv1::Phase> phases,
                     wv1::LeaseShardResponse& response);
  wv1::HeartbeatRequest HeartbeatRequest(bool immediate) const;
  grpc::Status Heartbeat(const wv1::HeartbeatRequest& request, wv1::HeartbeatResponse& response);
  grpc::Status ReadDataset(const wv1::LeaseRef& lease, std::vector<std::string>& ids);

  // What a well-behaved worker sends for the shard.
  std::vector<wv1::CompleteShardRequest> PrepareResult(const wv1::Shard& shard) const;
  std::vector<wv1::CompleteShardRequest> ScoreResult(const wv1::Shard& shard) const;
  // The tokens of PutDataset's samples, in two blocks that end within a sample; strings "t0", "t1", ...
  std::vector<wv1::CompleteShardRequest> TokenBlocks(const wv1::Shard& shard) const;
  // Header, `blocks`, and a commit with their digest.
  std::vector<wv1::CompleteShardRequest> Wrap(const wv1::Shard& shard,
                                              std::vector<wv1::CompleteShardRequest> blocks) const;
  grpc::Status Send(const std::vector<wv1::CompleteShardRequest>& messages);
  grpc::Status Complete(const wv1::Shard& shard);
  grpc::Status Fail(const wv1::LeaseRef& lease, const std::string& reason, bool retryable);
  grpc::Status Release(const wv1::LeaseRef& lease);
  grpc::Status Close();

  wv1::WorkerService::Stub& stub() { return *stub_; }
  template <typename Request>
  Request WithSession() const {
    Request request;
    request.set_session(session_);
    request.set_epoch(epoch_);
    return request;
  }

 private:
  std::unique_ptr<wv1::WorkerService::Stub> stub_;
  const std::string id_;
  std::string session_;
  std::uint64_t epoch_ = 0;
};

// The reason in the error's details.
std::string ReasonIn(const grpc::Status& status);

}  // namespace headscope::server
