// How many samples to take of each basic task.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::server {

struct MixtureComponent {
  // For messages.
  std::string name;
  // From a decomposition. Negative ones count as 0.
  double coefficient = 0;
  // At least so many are taken,
  std::uint64_t floor = 0;
  // and at most so many: what there is, for example.
  std::optional<std::uint64_t> cap;
};

struct MixtureShare {
  std::uint64_t samples = 0;
  // samples / budget; 0 for a budget of 0.
  double share = 0;
  // Before rounding.
  double exact = 0;
  // The coefficient was negative.
  bool clipped = false;
  // The floor or the cap decided.
  bool at_floor = false;
  bool at_cap = false;
};

// n_i = clamp(scale * max(coefficient_i, 0), floor_i, cap_i), scale such that they sum to `budget` (without floors and
// caps: budget * a_i / sum a); rounded down, and what then lacks goes one by one to the largest remainders among those
// below their cap, equal ones to the earlier component. They sum to `budget` exactly.
// INVALID_ARGUMENT / BAD_MIXTURE: no components, a coefficient that is not finite, a floor above its cap, floors that
// sum to more than the budget, caps of what can be taken (positive coefficients; floors of the others) that sum to
// less.
absl::StatusOr<std::vector<MixtureShare>> PlanMixture(const std::vector<MixtureComponent>& components,
                                                      std::uint64_t budget);

}  // namespace headscope::server
