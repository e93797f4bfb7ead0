// New jobs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// The job that this request made before; nullopt when it is new. ALREADY_EXISTS / REQUEST_ID_REUSED.
absl::StatusOr<std::optional<Job>> FindSubmitted(Database& db, const NewJob& job);

// The effect in the outcome is left empty: the caller moves the change's there.
absl::StatusOr<SubmitOutcome> Submit(Change& change, const NewJob& job);

// --- its steps, for who makes many jobs at once
// Samples of a dataset that a job can be made on. NOT_FOUND / DATASET_NOT_FOUND.
absl::StatusOr<std::uint64_t> SamplesOf(Database& db, const std::string& dataset);
// Whether so many jobs more may wait. RESOURCE_EXHAUSTED / QUEUE_FULL.
absl::Status CheckRoom(Change& change, std::uint64_t jobs);
// Gives a job that has no preparation yet one of another job, if there is one that serves it too, and plans its SCORE
// shards.
absl::StatusOr<bool> PlanFromReused(Change& change, const JobRow& row);
// The job as it is queued, on a dataset of `samples` samples.
absl::StatusOr<JobRow> AddJob(Change& change, NewJob job, std::uint64_t samples);

}  // namespace headscope::server::sqlite
