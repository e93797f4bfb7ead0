#include "client/cli/sweep_comparison.h"

#include <map>
#include <ostream>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

// What two patterns must have in common: layers, heads, family, key-value heads, size of a head.
using Kind = std::tuple<std::uint32_t, std::uint32_t, std::string, std::uint32_t, std::uint32_t>;

Kind KindOf(const client::Pattern& pattern, bool allow_different_models) {
  if (allow_different_models) return {pattern.layers, pattern.heads, "", 0, 0};
  const client::Provenance& model = pattern.provenance;
  return {pattern.layers, pattern.heads, model.family, model.kv_heads, model.head_dim};
}

absl::StatusOr<client::Comparison> Compare(Session& session, client::Client& client, const client::Sweep& sweep,
                                           const CellGroup& group, const client::CompareOptions& options) {
  std::vector<client::PatternReference> patterns;
  for (const std::size_t cell : group.cells) {
    client::PatternReference& pattern = patterns.emplace_back();
    pattern.name = sweep.cells[cell].pattern;
  }
  return client.ComparePatterns(patterns, options, session.Hooks());
}

}  // namespace

absl::StatusOr<std::vector<CellGroup>> GroupCells(client::Client& client, const client::Sweep& sweep,
                                                  bool allow_different_models) {
  client::PatternFilter filter;
  filter.labels = {{"sweep", sweep.id}};
  const auto patterns = client.ListPatterns(filter);
  if (!patterns.ok()) return patterns.status();
  std::map<std::string, const client::Pattern*> by_id;
  for (const client::Pattern& pattern : *patterns) by_id[pattern.id] = &pattern;
  std::vector<CellGroup> groups;
  std::map<Kind, std::size_t> group_of;
  for (std::size_t cell = 0; cell < sweep.cells.size(); ++cell) {
    const auto pattern = by_id.find(sweep.cells[cell].pattern);
    // Deleted since the sweep was asked for.
    if (pattern == by_id.end()) continue;
    const Kind kind = KindOf(*pattern->second, allow_different_models);
    const auto [group, is_new] = group_of.emplace(kind, groups.size());
    if (is_new) groups.push_back({std::get<0>(kind), std::get<1>(kind), std::get<2>(kind), {}});
    groups[group->second].cells.push_back(cell);
  }
  return groups;
}

absl::StatusOr<std::vector<CellComparison>> CompareCells(Session& session, client::Client& client,
                                                         const client::Sweep& sweep,
                                                         const client::CompareOptions& options) {
  const auto groups = GroupCells(client, sweep, options.allow_different_models);
  if (!groups.ok()) return groups.status();
  if (groups->size() > 1) {
    session.err() << "headscope: the patterns are of " << groups->size()
                  << " shapes or architectures, which cannot be compared with each other: a comparison of each\n";
  }
  std::vector<CellComparison> comparisons;
  for (const CellGroup& group : *groups) {
    if (group.cells.size() < 2) {
      const client::SweepCell& cell = sweep.cells[group.cells.front()];
      session.err() << "headscope: nothing to compare " << Printable(cell.task) << " on " << Printable(cell.model)
                    << " with (" << group.layers << " layers, " << group.heads << " heads)\n";
      continue;
    }
    auto comparison = Compare(session, client, sweep, group, options);
    if (!comparison.ok()) return comparison.status();
    comparisons.push_back({group, *std::move(comparison)});
  }
  return comparisons;
}

}  // namespace headscope::cli
