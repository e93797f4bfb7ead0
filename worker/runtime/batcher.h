// Which samples run together: a pure function of their lengths and the token budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace headscope::worker {

// Cuts samples into batches of similar length. `token_counts` [samples]; the result lists every sample once, by
// position in `token_counts`. Samples are taken by length, then position; a batch is as large as count * longest <=
// batch_tokens allows, so that a padding engine stays within the budget too. A sample longer than the budget is alone
// in its batch.
std::vector<std::vector<std::size_t>> PlanBatches(absl::Span<const std::uint32_t> token_counts,
                                                  std::uint32_t batch_tokens);

}  // namespace headscope::worker
