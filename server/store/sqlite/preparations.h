// What PREPARE found out: parts while it runs, reuse afterwards, and the SCORE shards planned from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/job.h"
#include "server/jobs/planning.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// A preparation of the same dataset under the same options that is whole and may serve a job on this model: one made
// with the very model, or with one of the same tokenizer, positions and vocabulary.
std::optional<std::int64_t> FindReusablePreparation(Database& db, const JobSpec& spec, const CatalogueEntry& model);
// An empty one for a job that will prepare itself.
std::int64_t NewPreparation(Change& change, const JobSpec& spec);

// Stores what one PREPARE shard found out.
void AddPart(Change& change, std::int64_t preparation, std::uint32_t ordinal, const std::vector<PreparedSample>& valid,
             const std::vector<InvalidSample>& invalid);
// All parts are in: from now on it may serve later jobs, unless what made samples invalid may differ for them.
void FinishPreparation(Change& change, std::int64_t preparation, const JobSpec& spec);

// Plans the SCORE shards of a job whose preparation is whole, or fails the job with INVALID_SAMPLES.
absl::Status PlanScore(Change& change, std::int64_t job_number);
void InsertShards(Change& change, std::int64_t job_number, Phase phase, const std::vector<PlannedShard>& shards,
                  std::uint32_t batch_tokens);

absl::StatusOr<Page<InvalidSample>> ListInvalidSamples(Database& db, const std::string& job, const PageRequest& page);
absl::StatusOr<std::map<std::string, std::uint64_t>> CountInvalidSamples(Database& db, const std::string& job);

}  // namespace headscope::server::sqlite
