// The whole command line client as a function.
#pragma once

#include <string>
#include <vector>

#include "client/cli/environment.h"

namespace headscope::cli {

// Runs one command line (without the program's name) and returns the exit status.
int RunCli(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace headscope::cli
