#include "worker/runtime/batcher.h"

#include <algorithm>
#include <numeric>

namespace headscope::worker {

std::vector<std::vector<std::size_t>> PlanBatches(absl::Span<const std::uint32_t> token_counts,
                                                  std::uint32_t batch_tokens) {
  std::vector<std::size_t> order(token_counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return token_counts[a] < token_counts[b]; });
  std::vector<std::vector<std::size_t>> batches;
  for (const std::size_t sample : order) {
    // Ascending lengths: the sample at hand is the longest of its batch.
    const std::uint64_t longest = token_counts[sample];
    if (batches.empty() || (batches.back().size() + 1) * longest > batch_tokens) batches.emplace_back();
    batches.back().push_back(sample);
  }
  return batches;
}

}  // namespace headscope::worker
