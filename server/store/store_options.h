// What an operator may set about the store.
#pragma once

#include <cstdint>

#include "proto/support/limits.h"
#include "server/jobs/shard_rules.h"

namespace headscope::server {

struct StoreOptions {
  // Jobs that may wait for their first SCORE lease at a time.
  std::uint64_t max_queued_jobs = kMaxQueuedJobs;
  DeathLimits worker_deaths;
};

}  // namespace headscope::server
