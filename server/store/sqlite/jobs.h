// Rows of jobs: reading and listing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

struct JobRow {
  Job job;
  // Where its token counts and invalid samples are.
  std::int64_t preparation = 0;
  std::uint64_t queued_shards = 0;
  std::uint64_t leased_shards = 0;
};

absl::Status JobNotFound(const std::string& id);

// NOT_FOUND / JOB_NOT_FOUND.
absl::StatusOr<JobRow> FindJob(Database& db, const std::string& id);
absl::StatusOr<JobRow> FindJob(Database& db, std::int64_t number);

// With the model's digest: what later readers of the job must know of the model.
void PinModelFacts(Database& db, std::int64_t number, const CatalogueEntry& model);

// Newest first.
absl::StatusOr<Page<Job>> ListJobs(Database& db, const JobFilter& filter, const PageRequest& page);

absl::StatusOr<std::vector<Attempt>> ListAttempts(Database& db, const std::string& job, std::uint32_t limit);

// FAILED_PRECONDITION / JOB_NOT_SUCCEEDED.
absl::StatusOr<std::vector<ResultShard>> ResultShards(Database& db, const std::string& job);

}  // namespace headscope::server::sqlite
