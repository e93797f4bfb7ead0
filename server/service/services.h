// The client-facing gRPC services, composed: what server/app registers at the listener.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/support/clock.h"
#include "proto/support/limits.h"
#include "proto/support/random_source.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job_events.h"
#include "server/service/call_log.h"
#include "server/store/blob_store.h"
#include "server/store/disk_space.h"
#include "server/store/io_pool.h"
#include "server/store/store_executor.h"

namespace grpc {
class Service;
}

namespace headscope::server {

class Metrics;  // server/metrics/metrics.h

// What the services work with; all of it outlives them.
struct ServiceContext {
  StoreExecutor& store;
  BlobStore& blobs;
  IoPool& io;
  // For what is computed from patterns: may take minutes, and must not hold up results that come in.
  IoPool& analyses;
  JobEvents& events;
  Fleet& fleet;
  Metrics& metrics;
  const Clock& clock;
  RandomSource& random;
  // Goes into every pattern's provenance: "headscope-server 0.1.0".
  std::string server_build;
  CallLog call_log = {};
  // Longest silence of a watch stream.
  absl::Duration watch_heartbeat = kWatchHeartbeat;
  // How long a ranking may wait for its client's next message.
  absl::Duration rank_idle_limit = kRankIdleLimit;
  // The room of the stores; null: not looked at.
  DiskSpace* disk = nullptr;
};

// Thread-safe. Order of ending: RefuseNewWork, FinishStreams, the gRPC server's Shutdown, the executors' Stop, and only
// then the destructor: closures in the executors use the services.
class Services {
 public:
  explicit Services(ServiceContext context);
  ~Services();

  // AttributionService, DatasetService, ModelService, PatternService; owned here.
  std::vector<grpc::Service*> all();

  // From now on SubmitJob, SubmitSweep, RetrySweep, UploadDataset and Tokenize answer UNAVAILABLE / DRAINING with a
  // RetryInfo; the rest goes on.
  void RefuseNewWork();
  // Ends every live stream with UNAVAILABLE / DRAINING, later ones at once: without this the gRPC server's Shutdown
  // does not return.
  void FinishStreams();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::server
