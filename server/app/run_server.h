// headscope-server as a program.
#pragma once

#include <string>
#include <vector>

#include "proto/support/flags.h"

namespace headscope::server {

// Runs a server until it is told to stop, or a command (folder_commands.h). `arguments` are those after the program's name. Returns the exit status: 0
// stopped in order, 1 failed, 2 usage or refused.
int RunServer(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace headscope::server
