// The engine for work: a hand-written forward and reverse pass on packed samples, weights never touched by a gradient.
#pragma once

#include <cstdint>
#include <memory>

#include "worker/model/engine.h"
#include "worker/model/model.h"

namespace headscope::worker {

struct FastEngineOptions {
  // What the forward pass may keep of its activations for the reverse, in bytes. Layers beyond it are computed again in
  // the reverse pass from the residual stream before them, which is always kept: 3 instead of 2 forward costs for
  // those, the same bytes in the result.
  std::int64_t activation_bytes = std::int64_t{1} << 30;
  // A model of up to so many parameters that is asked for in float32 is computed in float64, from the embedding
  // to D: where a trained model's sharp attention multiplies the rounding of float32 sums, one sample in ten
  // may lose the fifth digit. It costs half of the speed, which is little time for such a model.
  std::int64_t float64_parameters = std::int64_t{8} << 20;
  // LibTorch's own operations also on the CPU; for comparisons.
  bool torch_operations = false;
};

// Float32 activations, of small models float64; weights in float32 or bfloat16 (products of bfloat16 values,
// accumulated in float32). No padding: samples lie end to end, without their last token, which predicts nothing. The
// same batch gives the same bytes with any number of threads. Keeps its buffers between batches. Thread-compatible.
class FastEngine final : public Engine {
 public:
  // FAILED_PRECONDITION for a model held in float64.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(std::shared_ptr<const Model> model,
                                                        const FastEngineOptions& options);
  static absl::StatusOr<std::unique_ptr<Engine>> CreateWithDefaults(std::shared_ptr<const Model> model);
  ~FastEngine() override;

  std::string_view name() const override { return "fast"; }
  std::int64_t held_bytes() const override;
  void ReleaseBuffers() override;
  absl::StatusOr<std::vector<double>> Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                 const CancelCheck& cancelled) override;
  absl::StatusOr<GateGradients> Gradients(const PackedBatch& batch, const CancelCheck& cancelled) override;

 private:
  class Impl;
  explicit FastEngine(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::worker
