// The way of an analysis: patterns are found on the store's thread, loaded and worked on in the pool for analyses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "server/service/budget.h"
#include "server/service/lost_scores.h"
#include "server/service/pattern_loading.h"
#include "server/service/shared.h"
#include "server/service/unary.h"

namespace headscope::server {

// A place among the analyses that run or wait. RESOURCE_EXHAUSTED / ANALYSES_BUSY when there is none.
absl::StatusOr<Budget::Share> TakeAnalysisSlot(Shared& shared);
// One among the rankings: clients that keep their pools back leave room for everything else.
absl::StatusOr<Budget::Share> TakeRankingSlot(Shared& shared);
// Memory for the samples that a ranking keeps. RESOURCE_EXHAUSTED / RANKINGS_FULL when less than `bytes` is left.
absl::StatusOr<Budget::Share> TakeRankingMemory(Shared& shared, std::uint64_t bytes);

// On the store's thread.
absl::StatusOr<std::vector<FoundPattern>> FindPatterns(JobStore& store,
                                                       const std::vector<PatternReference>& references);

// What it means that stored bytes of one of these could not be read: that a pattern was deleted meanwhile, else
// DATA_LOSS / SCORES_LOST. On the store's thread.
absl::Status ExplainLoss(JobStore& store, const std::vector<FoundPattern>& found, const absl::Status& error);

// What an analysis works on.
struct AnalysisInput {
  const std::vector<FoundPattern>& found;
  // Of `found`, in its order.
  const std::vector<LoadedPattern>& patterns;
  BlobStore& blobs;
  // Whether the client still waits.
  KeepOn keep_on;
};

// A unary analysis; `work` runs on the pool and makes the answer.
template <typename Response>
grpc::ServerUnaryReactor* Analyse(Shared& shared, const UnaryCall<Response>& call,
                                  std::vector<PatternReference> references, bool allow_different_models,
                                  std::function<absl::StatusOr<Response>(const AnalysisInput&)> work) {
  absl::StatusOr<Budget::Share> slot = TakeAnalysisSlot(shared);
  if (!slot.ok()) return call.Refuse(slot.status());
  const auto compute = [&shared, call, allow_different_models,
                        work = std::move(work)](const std::vector<FoundPattern>& found) -> absl::StatusOr<Response> {
    const KeepOn keep_on = [call] { return call.CheckWanted(); };
    const auto patterns = LoadPatterns(found, allow_different_models, shared.context.blobs, keep_on);
    if (!patterns.ok()) return patterns.status();
    return work({found, *patterns, shared.context.blobs, keep_on});
  };
  return call.ThenOnStore([call, references = std::move(references), compute, slot = *slot](JobStore& store) {
    absl::StatusOr<std::vector<FoundPattern>> found = FindPatterns(store, references);
    if (!found.ok()) return call.Finish(found.status());
    const auto kept = std::make_shared<const std::vector<FoundPattern>>(*std::move(found));
    call.ThenOnAnalyses([call, kept, compute, slot] {
      absl::StatusOr<Response> answer = compute(*kept);
      if (!IsLost(answer.status())) return call.Finish(std::move(answer));
      call.ThenOnStore(
          [call, kept, error = answer.status()](JobStore& again) { call.Finish(ExplainLoss(again, *kept, error)); });
    });
  });
}

}  // namespace headscope::server
