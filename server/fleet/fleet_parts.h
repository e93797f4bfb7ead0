// Everything the calls of the worker listener work with, in the order it depends on each other.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "proto/support/clock.h"
#include "server/fleet/dataset_index.h"
#include "server/fleet/dispatcher.h"
#include "server/fleet/fleet.h"
#include "server/fleet/heartbeat_polls.h"
#include "server/fleet/job_news.h"
#include "server/fleet/lease_book.h"
#include "server/fleet/live_calls.h"
#include "server/fleet/posts.h"
#include "server/fleet/sessions.h"
#include "server/fleet/stranded_jobs.h"
#include "server/fleet/timer_queue.h"
#include "server/fleet/tokenize_broker.h"
#include "server/metrics/metrics.h"
#include "server/store/blob_intake.h"

namespace headscope::server {

struct FleetParts {
  FleetParts(FleetOptions fleet_options, StoreExecutor& store, BlobStore& blob_store, IoPool& io, JobEvents& job_events,
             Metrics& server_metrics, const Clock& wall_clock);

  const FleetOptions options;
  BlobStore& blobs;
  BlobIntake intake;
  Metrics& metrics;
  const Clock& clock;

  Posts posts;
  LiveCalls calls;
  Sessions sessions;
  LeaseBook leases;
  StrandedJobs stranded;
  HeartbeatPolls polls;
  TokenizeBroker tokenizer;
  DatasetIndexes indexes;
  std::atomic<bool> draining = false;
  // Stopped before anything here is destroyed.
  TimerQueue timers;
  JobNews news;
  Dispatcher dispatcher;
};

// UNAVAILABLE / DRAINING.
absl::Status FleetIsStopping();

// The rest: on the store's thread.

// A current session. One that the store knows and memory does not (the server was started again) is taken up with what
// the store remembers of its worker. ABORTED / STALE_SESSION.
absl::StatusOr<ConnectedWorker> FindSession(FleetParts& parts, JobStore& store, const SessionRef& session);
// Forgets a session that has ended in the store: its calls end, its leases and texts are others' now.
// `lost`: it ended as a death, not in order.
void ForgetSession(FleetParts& parts, JobStore& store, const SessionRef& session, bool lost);
// A lease that has ended in the store is forgotten and its attempt published.
void ForgetLease(FleetParts& parts, JobStore& store, const std::string& shard, std::uint64_t fence);
// Metrics may name the models that are in a catalogue.
void RefreshKnownModels(FleetParts& parts, JobStore& store);

}  // namespace headscope::server
