// What the parts of the link share.
#pragma once

#include "worker/link/held_leases.h"
#include "worker/link/link_options.h"
#include "worker/link/server_client.h"
#include "worker/link/session.h"
#include "worker/link/stop_flag.h"
#include "worker/runtime/metrics.h"
#include "worker/runtime/model_cache.h"
#include "worker/runtime/model_catalogue.h"
#include "worker/runtime/shard_session.h"

namespace headscope::worker {

// References into the worker's composition; everything outlives the link's threads.
struct LinkParts {
  const LinkOptions& options;
  ServerClient& client;
  Session& session;
  HeldLeases& leases;
  // Set when every wait is to end.
  StopFlag& stop;
  ModelCatalogue& catalogue;
  ModelCache& models;
  ShardSession& shards;
  Metrics& metrics;
};

}  // namespace headscope::worker
