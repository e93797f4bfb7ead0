// Which samples run together: a pure function of their lengths, the token budget and the kind of engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "worker/model/engine.h"

namespace headscope::worker {

// Tokens that an engine runs through for one batch: of `samples` samples, the longest of `longest` tokens, `tokens` in
// all. Where the engine pads, padding is among them.
std::uint64_t BatchCost(EngineKind kind, std::uint64_t samples, std::uint64_t longest, std::uint64_t tokens);

// Cuts samples into batches of similar length. `token_counts` [samples]; the result lists every sample once, by
// position in `token_counts`. Samples are taken by length, then position, in as few batches of BatchCost <=
// batch_tokens as that order allows, the largest of them as small as possible. A sample longer than the budget is alone
// in its batch.
std::vector<std::vector<std::size_t>> PlanBatches(absl::Span<const std::uint32_t> token_counts,
                                                  std::uint32_t batch_tokens, EngineKind kind);

}  // namespace headscope::worker
