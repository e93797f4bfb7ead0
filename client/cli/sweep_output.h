// Sweeps as the commands print them.
#pragma once

#include <vector>

#include "client/cli/session.h"
#include "client/cli/sweep_comparison.h"
#include "client/headscope/sweep.h"

namespace headscope::cli {

// The cells, and their comparisons. CSV has the cells alone.
void PrintSweep(Session& session, const client::Sweep& sweep, const std::vector<CellComparison>& comparisons);
void PrintSweeps(Session& session, const std::vector<client::Sweep>& sweeps);
// What --detach prints.
void PrintSweepId(Session& session, const std::string& id);

}  // namespace headscope::cli
