// The three families once more in plain loops and doubles, written from their reference descriptions and not from the
// decoder: what the engine is judged by where no golden case reaches.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {

// [layers][heads] factors on head outputs.
using PlainGates = std::vector<std::vector<double>>;

// Mean negative log-likelihood over positions >= prompt_tokens (position 0 is never supervised).
double PlainObjective(const nlohmann::json& config, const TestTensors& tensors, const std::vector<std::int32_t>& ids,
                      std::int64_t prompt_tokens, const PlainGates& gates);

}  // namespace headscope::worker
