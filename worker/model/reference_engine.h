// The judge of every other engine: ATen operations, gradients by autograd, float32 or float64.
#pragma once

#include <memory>

#include "worker/model/engine.h"
#include "worker/model/model.h"

namespace headscope::worker {

// Pads the samples of a batch to the longest. The gates on head outputs are the only leaves of the graph, one per query
// position, so their gradients are D. Deterministic on one machine for one batch. Thread-compatible.
class ReferenceEngine final : public Engine {
 public:
  // FAILED_PRECONDITION for a model held in bfloat16.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(std::shared_ptr<const Model> model);

  std::string_view name() const override { return "reference"; }
  absl::StatusOr<std::vector<double>> Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                 const CancelCheck& cancelled) override;
  absl::StatusOr<GateGradients> Gradients(const PackedBatch& batch, const CancelCheck& cancelled) override;

 private:
  explicit ReferenceEngine(std::shared_ptr<const Model> model);

  std::shared_ptr<const Model> model_;
};

}  // namespace headscope::worker
