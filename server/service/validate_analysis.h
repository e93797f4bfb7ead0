// What requests for analyses have in common: resampling, permutations, and how much of them is sensible.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "headscope/v1/analysis.pb.h"
#include "server/analysis/statistics/resampling.h"
#include "server/service/violations.h"

namespace headscope::server {

// `resamples` that were not asked for may be lowered.
struct BootstrapRequest {
  Bootstrap bootstrap;
  bool by_default = true;
};

// Defaults where fields are absent.
BootstrapRequest ValidateBootstrap(const v1::Bootstrap& proto, const std::string& field, Violations& violations);
Permutation ValidatePermutation(const v1::Permutation& proto, const std::string& field, Violations& violations);
// Adds a violation unless `low` <= value <= `high`.
void CheckNumber(double value, double low, double high, const std::string& field, Violations& violations);

// INVALID_ARGUMENT / TOO_MUCH_WORK, saying how many of `what` there may be at most.
absl::Status CheckSteps(double steps_of_one, std::uint32_t count, const std::string& what);
// The same for a bootstrap; lowers a number of resamples that nobody asked for.
absl::Status FitBootstrap(double steps_of_one, BootstrapRequest& request);

// INVALID_ARGUMENT / TOO_MUCH_WORK where resampled patterns would not fit into kMaxResampledValues.
absl::Status CheckResampledValues(double values);

v1::Bootstrap ToProto(const Bootstrap& bootstrap);
v1::Permutation ToProto(const Permutation& permutation);

}  // namespace headscope::server
