// Matrices of a comparison for people.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "client/headscope/analysis.h"

namespace headscope::cli {

// The patterns with their numbers, and every measure as a square of numbered rows and columns. `names`: one of each
// pattern.
void PrintMatrices(std::ostream& out, const client::Comparison& comparison, const std::vector<std::string>& names);

}  // namespace headscope::cli
