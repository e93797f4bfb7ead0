// Head attribution methods: what of a sample becomes which planes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/engine.h"

namespace headscope::worker {

// One named array [samples, layers, heads], row-major float32, of raw scores of a batch's samples.
struct Plane {
  std::string name;
  std::vector<float> values;
};

// Scores of one batch, samples in the batch's order.
struct BatchScores {
  std::vector<double> objective;  // [samples], nats
  std::vector<Plane> planes;      // in the order of Method::PlaneNames
};

// Scores heads. Stateless, immutable: thread-safe.
class Method {
 public:
  virtual ~Method() = default;
  virtual std::string_view name() const = 0;
  // Names of the planes it fills, sorted.
  virtual std::vector<std::string> PlaneNames() const = 0;
  // Errors: those of Engine; DATA_LOSS when a score or objective is not finite, naming layer and head, and the sample
  // where the batch has several.
  virtual absl::StatusOr<BatchScores> Score(Engine& engine, const PackedBatch& batch, std::int64_t layers,
                                            std::int64_t heads, const CancelCheck& cancelled) const = 0;
};

// The method of that name ("gradient"), or INVALID_ARGUMENT naming the known ones. Never null; lives as long as the
// process.
absl::StatusOr<const Method*> FindMethod(std::string_view name);
// Names of all methods.
std::vector<std::string> MethodNames();

}  // namespace headscope::worker
