// The workers: their sessions, what they hold, and the dispatch of shards to them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/support/clock.h"
#include "proto/support/limits.h"
#include "server/jobs/job_events.h"
#include "server/store/blob_store.h"
#include "server/store/io_pool.h"
#include "server/store/store_executor.h"

namespace grpc {
class Service;
}

namespace headscope::server {

class Metrics;  // server/metrics/metrics.h

// Text to tokenise on a worker; see headscope.v1.ModelService.Tokenize.
struct TokenizeQuery {
  std::string model;
  std::string text;
  std::optional<std::string> response;
  bool special_tokens = true;
};
struct TokenizeAnswer {
  std::vector<std::uint32_t> ids;
  std::vector<std::string> tokens;
  std::string text;
  std::uint32_t prompt_tokens = 0;
};

// A connected worker, as shown to users.
struct WorkerView {
  std::string worker_id;
  std::string device;
  std::string build;
  bool local = false;
  std::vector<std::string> models;
  std::vector<std::string> resident_models;
  std::uint64_t leases = 0;
};

struct FleetOptions {
  absl::Duration heartbeat_interval = absl::Seconds(5);
  // How long a Tokenize waits for a worker to take and finish it.
  absl::Duration tokenize_timeout = absl::Seconds(60);
  // A lease without a finished batch for this long is taken back.
  absl::Duration no_progress_timeout = kNoProgressTimeout;
  // How often sessions are reaped, back-offs checked and gauges set.
  absl::Duration tick = absl::Seconds(1);
  // What local workers send as metadata kLocalTokenKey; drawn at server start. Empty: no worker may claim to be local.
  std::string local_token;
  // Called with the worker's id whenever a session opens; any thread, does not block. May be empty.
  std::function<void(const std::string&)> session_opened;
};

// Owns everything in memory about connected workers, and the worker-facing gRPC service. Thread-safe.
class Fleet {
 public:
  // All references outlive the fleet.
  Fleet(FleetOptions options, StoreExecutor& store, BlobStore& blobs, IoPool& io, JobEvents& events, Metrics& metrics,
        const Clock& clock);
  ~Fleet();

  // The service for the worker listener; owned by the fleet.
  grpc::Service& worker_service();

  // After every change of the store: tells watchers and wakes waiting workers. Cheap; any thread.
  void Apply(const Effect& effect);

  // What running leases of `job` have done beyond the stored counts.
  LiveProgress Running(const std::string& job) const;
  std::vector<WorkerView> Workers() const;
  // Why nobody works on a job of this model now, or "": "no worker is connected", "no connected worker has model X".
  std::string BlockedReason(const std::string& model, const std::string& model_digest) const;

  // Hands the text to a worker that has the model; `done` runs once, on any thread, unless the text is dropped before.
  // UNAVAILABLE / NO_WORKER, RESOURCE_EXHAUSTED / QUEUE_FULL, DEADLINE_EXCEEDED / TOKENIZE_TIMEOUT, or the worker's
  // error. Returns what DropText takes.
  std::string Tokenize(TokenizeQuery query, std::function<void(absl::StatusOr<TokenizeAnswer>)> done);
  // Nobody waits for the answer any more. Nothing when it was given already.
  void DropText(const std::string& id);

  // The process of local worker `worker_id` ended: its session ends at once.
  void LoseLocalWorker(const std::string& worker_id);
  // Local worker ids start with this; only they may claim to be local.
  static constexpr char kLocalPrefix[] = "local-";
  static constexpr char kLocalTokenKey[] = "headscope-local-token";

  // Starts the timer thread (reaping, back-off wake-ups, queue gauges).
  void Start();
  // Grants no more leases, tells workers to drain, answers waiting polls.
  void Drain();
  // Ends every pending call. After this nothing is posted to the executors. What they still hold uses the fleet: they
  // stop before it is destroyed.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::server
