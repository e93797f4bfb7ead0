// The paper's method (arXiv 2409.15820): how strongly the objective depends on each head's output.
//
// D = <z, dL/dz> per query position, equal to the sum over keys of A * dL/dA (methods.md 3.1). Cost: one forward and
// one backward to activations. Needs gradients. Deterministic where its engine is.
#pragma once

#include "worker/attribution/method.h"

namespace headscope::worker {

// Planes: sum of D and of |D| over the query positions of the prompt (below prompt_tokens) and of the response.
class GradientMethod final : public Method {
 public:
  std::string_view name() const override { return "gradient"; }
  std::vector<std::string> PlaneNames() const override;
  absl::StatusOr<BatchScores> Score(Engine& engine, const PackedBatch& batch, std::int64_t layers, std::int64_t heads,
                                    const CancelCheck& cancelled) const override;
};

}  // namespace headscope::worker
