// Jobs as the commands print them.
#pragma once

#include <string>
#include <vector>

#include "client/cli/session.h"
#include "client/headscope/job.h"

namespace headscope::cli {

// Of a job that nobody waits for.
void PrintJobId(Session& session, const std::string& id);
void PrintJob(Session& session, const client::Job& job);
void PrintJobs(Session& session, const std::vector<client::Job>& jobs);

}  // namespace headscope::cli
