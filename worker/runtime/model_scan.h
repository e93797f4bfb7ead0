// Finds the model directories beneath a root.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headscope::worker {

struct ScanLimits {
  // Folders below the root that are entered.
  int max_depth = 8;
  std::size_t max_directories = 50'000;
  std::size_t max_models = 4'096;
};

struct ScanResult {
  // Paths relative to the root of every directory that holds a config.json or an adapter_config.json, in the order of
  // ListedBefore. The root itself is none.
  std::vector<std::string> models;
  // What was left out and why, for the log.
  std::vector<std::string> notes;
};

// `root` is canonical. Links to directories are followed while they stay beneath the root and lead to no directory they
// are in; hidden directories (".git") are not entered.
ScanResult FindModels(const std::string& root, const ScanLimits& limits);

}  // namespace headscope::worker
