#include "server/service/analysis.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/log.h"

namespace headscope::server {

namespace {

absl::StatusOr<Budget::Share> TakeSlot(Budget& budget) {
  if (Budget::Share slot = budget.Take(1)) return slot;
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat(budget.whole(), " analyses run or wait already; try again"), "ANALYSES_BUSY");
}

}  // namespace

absl::StatusOr<Budget::Share> TakeAnalysisSlot(Shared& shared) { return TakeSlot(shared.analyses); }

absl::StatusOr<Budget::Share> TakeRankingSlot(Shared& shared) { return TakeSlot(shared.rankings); }

absl::StatusOr<Budget::Share> TakeRankingMemory(Shared& shared, std::uint64_t bytes) {
  Budget& budget = shared.ranking_memory;
  if (Budget::Share memory = budget.Take(bytes)) return memory;
  return MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("a ranking that keeps so many samples needs ", bytes, " bytes, other rankings hold ", budget.taken(),
                   " of ", budget.whole(), "; try again, or ask for fewer samples or candidates"),
      "RANKINGS_FULL");
}

absl::StatusOr<std::vector<FoundPattern>> FindPatterns(JobStore& store,
                                                       const std::vector<PatternReference>& references) {
  std::vector<FoundPattern> patterns;
  for (const PatternReference& reference : references) {
    absl::StatusOr<FoundPattern> found = FindPattern(store, reference);
    if (!found.ok()) return found.status();
    patterns.push_back(*std::move(found));
  }
  return patterns;
}

absl::Status ExplainLoss(JobStore& store, const std::vector<FoundPattern>& found, const absl::Status& error) {
  std::string titles;
  for (const FoundPattern& pattern : found) {
    if (absl::Status now = FindPattern(store, pattern.reference).status(); !now.ok()) return now;
    if (!pattern.reference.inlined) absl::StrAppend(&titles, titles.empty() ? "" : ", ", pattern.reference.title);
  }
  Log(LogLevel::kError, "stored values of a pattern cannot be read", {{"patterns", titles}, {"status", error}});
  return MakeError(
      absl::StatusCode::kDataLoss,
      absl::StrCat("stored values of ", titles, " cannot be read (", error.message(),
                   "); submit the job or import the pattern again, or stop the server and put a copy of its "
                   "data folder back"),
      "SCORES_LOST");
}

}  // namespace headscope::server
