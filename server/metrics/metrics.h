// What the server counts, under the names that Prometheus reads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace prometheus {
class Registry;
}

namespace headscope::server {

// Shape of an RPC: label grpc_type.
enum class RpcType { kUnary, kClientStream, kServerStream };

// Typed access to one registry; label sets are made once and cached. Model names from clients become labels only when a
// worker's catalogue has them, else "other". Thread-safe; nothing here blocks.
class Metrics {
 public:
  // `version` and `revision` become headscope_build_info.
  Metrics(const std::string& version, const std::string& revision);
  ~Metrics();

  // --- RPCs: service "headscope.v1.AttributionService", method "SubmitJob".
  // Counts the request's message too, but for a client stream.
  void RpcStarted(std::string_view service, std::string_view method, RpcType type);
  // One message of a client stream.
  void MessageReceived(std::string_view service, std::string_view method, RpcType type);
  // One message of a server stream.
  void MessageSent(std::string_view service, std::string_view method, RpcType type);
  // Counts the response's message of a call that went well too, but for a server stream.
  void RecordRpc(std::string_view service, std::string_view method, RpcType type, absl::StatusCode code,
                 double seconds);

  // --- jobs. `kind` is the method's name ("gradient"), `state` and `reason` as in the API, in lower case.
  void JobSubmitted(std::string_view kind);
  // `reason` of the error: "QUEUE_FULL", "DRAINING", "MODEL_NOT_FOUND".
  void JobRejected(std::string_view reason);
  // `queued` and `run` are absent (nullptr) where the job never started.
  void JobFinished(std::string_view kind, std::string_view model, std::string_view state, std::string_view reason,
                   std::uint64_t attempts, absl::Duration total, const absl::Duration* queued,
                   const absl::Duration* run);

  // --- queue. Whole snapshots: what is absent is 0 from now on.
  void SetKnownModels(std::set<std::string> models);
  using ByModelAndPriority = std::map<std::pair<std::string, std::int32_t>, std::uint64_t>;
  // Jobs that have not started, and shards that wait.
  void SetQueueDepth(const ByModelAndPriority& jobs);
  void SetQueueShards(const ByModelAndPriority& shards);
  void SetQueueOldestAge(const std::map<std::string, absl::Duration>& by_model);
  void SetQueueCapacity(std::uint64_t jobs);

  // --- fleet
  void SetLeasesActive(std::uint64_t leases);
  void LeasesExpired(std::uint64_t leases);
  void StaleCompletionRejected();
  // Connected workers by what they do: "busy", "idle".
  void SetWorkers(std::uint64_t busy, std::uint64_t idle);
  void LocalWorkerRestarted();

  // --- store and streams
  void StoreOperation(std::string_view operation, absl::StatusCode code, double seconds);
  void SetWatchers(std::uint64_t watchers);
  void SetDraining(bool draining);
  void SetArtifactBytes(std::uint64_t bytes);
  // The disk of the data folder.
  void SetDisk(std::uint64_t free_bytes, std::uint64_t low_water_bytes, bool has_reserve);
  void ArtifactBytesWritten(std::uint64_t bytes);

  const std::shared_ptr<prometheus::Registry>& registry() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headscope::server
