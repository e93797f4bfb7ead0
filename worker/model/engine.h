// How a model is run: objectives, and their gradients with respect to gates on the heads' outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/packed_batch.h"

namespace headscope::worker {

class Model;

// Asked between passes and between layers; true stops the work, which then ends with CANCELLED.
using CancelCheck = std::function<bool()>;

// Gates xi [samples, layers, heads], row-major: the head output z (before the output projection) is multiplied by its
// gate. Empty means all ones. A gate of 0 ablates the head (methods.md 3.2, 3.7).
using HeadGates = std::vector<float>;

// Objective of every sample and D, the base quantity of every gradient score.
struct GateGradients {
  // [samples] mean negative log-likelihood (nats) over the supervised tokens of each sample.
  std::vector<double> objective;
  // D [layers, heads, tokens], row-major, tokens packed as in the batch: D = <z, dL/dz>, z the head's output before the
  // output projection and L the objective of the token's own sample. Equals sum over keys of A * dL/dA (arXiv
  // 2409.15820; methods.md 3.1).
  std::vector<float> d;
};

// Runs one model. Thread-compatible: used from one thread, the device thread. Samples never influence each other.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string_view name() const = 0;
  // Bytes held between calls beyond the model's own: packed weights, buffers.
  virtual std::int64_t held_bytes() const { return 0; }
  // Frees the buffers among them; where memory ran out.
  virtual void ReleaseBuffers() {}

  // Objective [samples] of each sample in nats with head outputs multiplied by `gates`. One forward pass.
  // Errors: INVALID_ARGUMENT for a sample without supervised tokens, an id outside the vocabulary or more tokens than
  // the model has positions; RESOURCE_EXHAUSTED when the device is out of memory; CANCELLED.
  virtual absl::StatusOr<std::vector<double>> Objectives(const PackedBatch& batch, const HeadGates& gates,
                                                         const CancelCheck& cancelled) = 0;

  // Objectives and D at gates of one. One forward and one backward to activations only: weights never require
  // gradients. Errors as above.
  virtual absl::StatusOr<GateGradients> Gradients(const PackedBatch& batch, const CancelCheck& cancelled) = 0;
};

enum class EngineKind { kFast, kReference };

// Whether engines of that kind compute in `dtype`: fast in float32 and bfloat16, reference in float32 and float64.
enum class DType;
bool Computes(EngineKind kind, DType dtype);

// Whether engines of that kind pad the samples of a batch to the longest inside; if not, a batch costs its tokens.
bool Pads(EngineKind kind);

// Makes the engine of that kind for `model`, which it keeps alive.
absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(EngineKind kind, std::shared_ptr<const Model> model);

// "fast" or "reference" -> kind. INVALID_ARGUMENT names the known ones.
absl::StatusOr<EngineKind> ParseEngineKind(std::string_view name);

}  // namespace headscope::worker
