// How well a model knows examples.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/tools/trainer/learner.h"
#include "worker/tools/trainer/task.h"

namespace headscope::worker {

struct Measurement {
  std::int64_t examples = 0;
  // Mean negative log-likelihood, nats per supervised token.
  double loss = 0.0;
  // Share of examples answered exactly.
  double accuracy = 0.0;
};

// Of `examples`, at least one. INVALID_ARGUMENT for one that the model cannot run.
absl::StatusOr<Measurement> Measure(Learner& learner, const std::vector<Example>& examples);

}  // namespace headscope::worker
