// Which model beneath the root an adapter belongs to.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::worker {

// What an adapter's base may be.
struct BaseCandidates {
  // Canonical path of the model root.
  std::string root;
  // Names of all models beneath it.
  std::vector<std::string> names;
  // Whether the model of that name is an adapter itself.
  std::function<bool(const std::string& name)> is_adapter;
};

// The name of the base of adapter `adapter`, whose adapter_config.json calls it `written`: a path beneath the root,
// with or without the root before it; else the one model, other than an adapter, whose last step is that of `written`.
// FAILED_PRECONDITION where there is none, several (all are named) or an adapter.
absl::StatusOr<std::string> FindBase(const std::string& adapter, const std::string& written,
                                     const BaseCandidates& candidates);

}  // namespace headscope::worker
