// headscope-server backup, check and migrate: what is done with a data folder without serving.
#pragma once

#include <string>
#include <vector>

#include "proto/support/flags.h"

namespace headscope::server {

// Whether the first argument names one.
bool IsFolderCommand(const std::vector<std::string>& arguments);

// Runs it; `arguments` begin with its name. The exit status: 0 done, 1 failed or (check) damaged, 2 usage or refused.
int RunFolderCommand(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace headscope::server
