// The patterns of a sweep, compared.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/headscope/client.h"

namespace headscope::cli {

// Cells whose patterns can be compared with each other: of one shape and, unless different models are allowed, one
// architecture.
struct CellGroup {
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::string family;
  // Numbers of the cells.
  std::vector<std::size_t> cells;
};
struct CellComparison {
  CellGroup group;
  // Patterns in the order of the group's cells.
  client::Comparison comparison;
};

// The groups of the cells that have succeeded, in the order of their first cells.
absl::StatusOr<std::vector<CellGroup>> GroupCells(client::Client& client, const client::Sweep& sweep,
                                                  bool allow_different_models);

// One comparison for every group of two or more; what cannot be compared with anything is said on standard error.
absl::StatusOr<std::vector<CellComparison>> CompareCells(Session& session, client::Client& client,
                                                         const client::Sweep& sweep,
                                                         const client::CompareOptions& options);

}  // namespace headscope::cli
