// The flags of resampling and permutation tests, shared by the analyses.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/headscope/analysis.h"

namespace headscope::cli {

// --resamples, --level, --seed.
std::vector<Flag> BootstrapFlags();
absl::StatusOr<client::Bootstrap> ReadBootstrap(const Arguments& arguments);

// --permutations, --shuffle; --seed stands among the bootstrap's.
std::vector<Flag> PermutationFlags();
absl::StatusOr<client::Permutation> ReadPermutation(const Arguments& arguments);

}  // namespace headscope::cli
