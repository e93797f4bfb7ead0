// Models chosen by patterns of their names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/headscope/model.h"

namespace headscope::cli {

struct ChosenModels {
  // Names, each once: those of the first pattern first, and of one pattern in the order of `models`.
  std::vector<std::string> names;
  // Matched by a pattern, but not supported: why stands in them.
  std::vector<client::Model> left_out;
};

// In a pattern * stands for any text, that with "/" included, ? for one character, [abc] for one of these. NOT_FOUND
// for a pattern that no model matches; FAILED_PRECONDITION for a model named in full that is not supported.
absl::StatusOr<ChosenModels> ChooseModels(const std::vector<client::Model>& models,
                                          const std::vector<std::string>& patterns);

}  // namespace headscope::cli
