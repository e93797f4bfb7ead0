// The worker's side of the connection to a server, as a whole.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "worker/link/link_options.h"
#include "worker/runtime/metrics.h"
#include "worker/runtime/model_cache.h"
#include "worker/runtime/model_catalogue.h"
#include "worker/runtime/shard_session.h"

namespace headscope::worker {

// What the link connects; everything outlives it.
struct LinkTargets {
  ModelCatalogue& catalogue;
  ModelCache& models;
  ShardSession& shards;
  Metrics& metrics;
};

// Keeps a session with the server, takes shards and hands in what becomes of them: three threads score in turn,
// one does the light phases beside them, two keep the session. Survives restarts of the server. Thread-safe, but for
// Drain, which one thread calls.
class WorkerLink {
 public:
  // `on_fatal` is called at most once, on a thread of the link, when the server refuses this worker for good.
  WorkerLink(LinkOptions options, LinkTargets targets, std::function<void(const absl::Status&)> on_fatal);
  // Drains first if that was not done.
  ~WorkerLink();

  void Start();
  // The catalogue has changed: the server is told.
  void CatalogueChanged();
  // Takes no more work, lets the batch at hand end (for drain_grace at most), hands the rest back, closes the session.
  // Blocks until then.
  void Drain();
  // Cuts a running Drain short: the batch at hand is not waited for.
  void Hurry();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::worker
