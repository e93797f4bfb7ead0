#include "worker/runtime/batcher.h"

#include <algorithm>
#include <numeric>

namespace headscope::worker {

std::uint64_t BatchCost(EngineKind kind, std::uint64_t samples, std::uint64_t longest, std::uint64_t tokens) {
  return Pads(kind) ? samples * longest : tokens;
}

std::vector<std::vector<std::size_t>> PlanBatches(absl::Span<const std::uint32_t> token_counts,
                                                  std::uint32_t batch_tokens, EngineKind kind) {
  std::vector<std::size_t> order(token_counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return token_counts[a] < token_counts[b]; });
  std::vector<std::vector<std::size_t>> batches;
  std::uint64_t tokens = 0;
  for (const std::size_t sample : order) {
    // Ascending lengths: the sample at hand is the longest of its batch.
    const std::uint64_t longest = token_counts[sample];
    const bool fits =
        !batches.empty() && BatchCost(kind, batches.back().size() + 1, longest, tokens + longest) <= batch_tokens;
    if (!fits) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(sample);
    tokens += longest;
  }
  return batches;
}

}  // namespace headscope::worker
