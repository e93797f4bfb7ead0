// headscope-worker as a whole.
#pragma once

#include <string>
#include <vector>

#include "proto/support/flags.h"

namespace headscope::worker {

// Runs a worker until it is told to stop. `arguments` are those after the program's name. Returns the exit status: 0
// stopped in order, 1 failed or refused by the server, 2 usage.
int RunWorker(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace headscope::worker
