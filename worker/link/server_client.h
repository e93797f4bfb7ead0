// The calls of headscope.worker.v1.WorkerService as blocking functions.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "headscope/worker/v1/worker_service.pb.h"
#include "worker/link/link_options.h"

namespace headscope::worker {

// Every call has a deadline and can be ended from another thread. But for OpenSession, which fails at once when nobody
// listens, calls wait for the connection within their deadline. Errors carry the server's reason
// (proto/support/error.h). Thread-safe.
class ServerClient {
 public:
  explicit ServerClient(const LinkOptions& options);
  ~ServerClient();

  absl::StatusOr<v1::OpenSessionResponse> OpenSession(const v1::OpenSessionRequest& request);
  absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const v1::HeartbeatRequest& request, absl::Duration deadline);
  // `wait`: how long the server may take besides the usual.
  absl::StatusOr<v1::LeaseShardResponse> LeaseShard(const v1::LeaseShardRequest& request, absl::Duration wait);
  // Calls `take` with every batch as it comes; its error ends the call.
  absl::Status ReadDataset(const v1::ReadDatasetRequest& request,
                           const std::function<absl::Status(const headscope::v1::SampleBatch&)>& take);
  absl::Status CompleteShard(const std::vector<v1::CompleteShardRequest>& parts);
  absl::Status FailShard(const v1::FailShardRequest& request);
  absl::Status ReleaseShard(const v1::ReleaseShardRequest& request, absl::Duration deadline);
  absl::Status CloseSession(const v1::CloseSessionRequest& request, absl::Duration deadline);

  // Ends the questions for work (LeaseShard) in flight; later ones fail at once. For good.
  void EndLeasing();
  // Ends all calls in flight with CANCELLED; later ones are not affected.
  void CancelCalls();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::worker
