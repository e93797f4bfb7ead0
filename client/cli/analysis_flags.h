// The flags of resampling and permutation tests, shared by the analyses.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/arguments.h"
#include "client/headscope/analysis.h"

namespace headscope::cli {

// --resamples, --level, --seed.
std::vector<Flag> BootstrapFlags();
absl::StatusOr<client::Bootstrap> ReadBootstrap(const Arguments& arguments);

// --measure and --layer-means: which matrices a comparison has.
std::vector<Flag> MeasureFlags(const std::string& default_measures);
absl::Status ReadMeasures(const Arguments& arguments, client::CompareOptions& options);

// --permutations, --shuffle; --seed stands among the bootstrap's. `default_permutations` is for the help.
std::vector<Flag> PermutationFlags(const std::string& default_permutations);
absl::StatusOr<client::Permutation> ReadPermutation(const Arguments& arguments);

}  // namespace headscope::cli
