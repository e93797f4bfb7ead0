#include "worker/runtime/batcher.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace headscope::worker {
namespace {

using Batches = std::vector<std::vector<std::size_t>>;

// Samples in ascending order of their lengths, each batch as large as `budget` allows.
Batches Cut(const std::vector<std::size_t>& order, absl::Span<const std::uint32_t> token_counts, std::uint64_t budget,
            EngineKind kind) {
  Batches batches;
  std::uint64_t tokens = 0;
  for (const std::size_t sample : order) {
    // The sample at hand is the longest of its batch.
    const std::uint64_t longest = token_counts[sample];
    const bool fits =
        !batches.empty() && BatchCost(kind, batches.back().size() + 1, longest, tokens + longest) <= budget;
    if (!fits) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(sample);
    tokens += longest;
  }
  return batches;
}

}  // namespace

std::uint64_t BatchCost(EngineKind kind, std::uint64_t samples, std::uint64_t longest, std::uint64_t tokens) {
  return Pads(kind) ? samples * longest : tokens;
}

Batches PlanBatches(absl::Span<const std::uint32_t> token_counts, std::uint32_t batch_tokens, EngineKind kind) {
  std::vector<std::size_t> order(token_counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return token_counts[a] < token_counts[b]; });
  Batches batches = Cut(order, token_counts, batch_tokens, kind);
  // The smallest budget that gives no more batches: products of few rows cost more a token, so none is left nearly
  // empty.
  std::uint64_t too_small = 0, enough = batch_tokens;
  while (enough - too_small > 1) {
    const std::uint64_t budget = too_small + (enough - too_small) / 2;
    Batches smaller = Cut(order, token_counts, budget, kind);
    const bool as_few = smaller.size() == batches.size();
    (as_few ? enough : too_small) = budget;
    if (as_few) batches = std::move(smaller);
  }
  return batches;
}

}  // namespace headscope::worker
