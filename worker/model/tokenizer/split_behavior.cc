#include "worker/model/tokenizer/split_behavior.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {
namespace {

// Joins neighbours as `joins(stretch, whether the one before it matched)` says.
template <typename Joins>
std::vector<Stretch> JoinNeighbours(const std::vector<Stretch>& stretches, Joins joins) {
  std::vector<Stretch> pieces;
  bool previous_matched = false;
  for (const Stretch& stretch : stretches) {
    if (!pieces.empty() && joins(stretch, previous_matched)) {
      pieces.back().end = stretch.end;
    } else {
      pieces.push_back(stretch);
    }
    previous_matched = stretch.matched;
  }
  return pieces;
}

// A match joins what follows it, unless that is a match too.
std::vector<Stretch> MergeWithNext(const std::vector<Stretch>& stretches) {
  std::vector<Stretch> pieces;
  for (std::size_t index = 0; index < stretches.size(); ++index) {
    Stretch piece = stretches[index];
    const bool has_next = index + 1 < stretches.size();
    if (piece.matched && has_next && !stretches[index + 1].matched) piece.end = stretches[++index].end;
    pieces.push_back(piece);
  }
  return pieces;
}

std::vector<Stretch> Join(const std::vector<Stretch>& stretches, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kMergedWithPrevious:
      return JoinNeighbours(stretches,
                            [](const Stretch& stretch, bool previous) { return stretch.matched && !previous; });
    case SplitBehavior::kMergedWithNext:
      return MergeWithNext(stretches);
    case SplitBehavior::kContiguous:
      return JoinNeighbours(stretches,
                            [](const Stretch& stretch, bool previous) { return stretch.matched == previous; });
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      break;
  }
  return stretches;
}

}  // namespace

absl::StatusOr<SplitBehavior> ReadSplitBehavior(const Json& component, std::string_view where) {
  const auto name = RequireString(component, "behavior", where);
  if (!name.ok()) return name.status();
  constexpr std::pair<std::string_view, SplitBehavior> kNames[] = {
      {"Removed", SplitBehavior::kRemoved},
      {"Isolated", SplitBehavior::kIsolated},
      {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
      {"MergedWithNext", SplitBehavior::kMergedWithNext},
      {"Contiguous", SplitBehavior::kContiguous}};
  for (const auto& [known, behavior] : kNames) {
    if (*name == known) return behavior;
  }
  return Unsupported(absl::StrCat(std::string(where), ".behavior"), Quoted(*name));
}

std::vector<Stretch> ApplyBehavior(const std::vector<Stretch>& stretches, SplitBehavior behavior) {
  std::vector<Stretch> pieces = Join(stretches, behavior);
  pieces.erase(std::remove_if(pieces.begin(), pieces.end(),
                              [behavior](const Stretch& piece) {
                                const bool removed = behavior == SplitBehavior::kRemoved && piece.matched;
                                return removed || piece.begin == piece.end;
                              }),
               pieces.end());
  return pieces;
}

}  // namespace headscope::worker::tokenization
