// The help texts, made from the commands themselves.
#pragma once

#include <iosfwd>

#include "client/cli/command.h"

namespace headscope::cli {

void PrintOverview(std::ostream& out);
void PrintHelp(std::ostream& out, const Command& command);

}  // namespace headscope::cli
