// Compares what a store shows with what the reference model says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/store/job_store.h"
#include "tests/server/store/reference_model.h"

namespace headscope::server {

// One line that changes whenever anything of the job changes that a user can see.
std::string Describe(const Job& job);
// Of every job of the model, as the store shows it; a job that is missing is "NOT_FOUND".
std::map<std::string, std::string> DescribeJobs(JobStore& store, const ReferenceModel& model);

// Empty, or what differs: jobs, candidates, statistics, patterns. `imported`: ids of imported patterns, the oldest
// first.
std::string Difference(JobStore& store, const ReferenceModel& model, const std::vector<std::string>& imported);

}  // namespace headscope::server
