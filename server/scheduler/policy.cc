#include "server/scheduler/policy.h"

#include <tuple>

namespace headscope::server {
namespace {

bool CanTake(const Candidate& candidate, const WorkerOffer& offer) {
  if (candidate.phase == Phase::kPrepare ? !offer.prepare : !offer.score) return false;
  const auto entry = offer.catalogue.find(candidate.model);
  if (entry == offer.catalogue.end()) return false;
  if (offer.unfit.contains({candidate.model, candidate.model_digest})) return false;
  return candidate.model_digest.empty() || candidate.model_digest == entry->second;
}

// Smaller is served first.
auto Rank(const Candidate& candidate, const WorkerOffer& offer) {
  const bool warm = offer.resident.contains(candidate.model) || candidate.waited > kAffinityHold;
  return std::make_tuple(-std::int64_t{candidate.priority}, candidate.leased_shards, !warm, candidate.job_number);
}

}  // namespace

std::optional<std::string> ChooseShard(const std::vector<Candidate>& candidates, const WorkerOffer& offer) {
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!CanTake(candidate, offer)) continue;
    if (best == nullptr || Rank(candidate, offer) < Rank(*best, offer)) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return best->shard;
}

}  // namespace headscope::server
