// What the scheduler chooses from.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "server/jobs/job.h"

namespace headscope::server {

// The next leasable shard of one job.
struct Candidate {
  std::string shard;
  std::string job;
  Phase phase = Phase::kPrepare;
  std::string model;
  std::string model_digest;  // 32 raw bytes; empty before the job is pinned
  std::int32_t priority = 0;
  std::int64_t job_number = 0;
  // Shards of the job being worked on now.
  std::uint32_t leased_shards = 0;
  // Since a shard of the job was last leased, or since the job was submitted.
  absl::Duration waited;
};

}  // namespace headscope::server
