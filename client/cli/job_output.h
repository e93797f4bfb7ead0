// Jobs as the commands print them.
#pragma once

#include <vector>

#include "client/cli/session.h"
#include "client/headscope/job.h"

namespace headscope::cli {

void PrintJob(Session& session, const client::Job& job);
void PrintJobs(Session& session, const std::vector<client::Job>& jobs);

}  // namespace headscope::cli
