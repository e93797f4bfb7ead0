// What an untrained model of a given shape consists of: its configuration and its tensors, without values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace headscope::worker {

// One tensor and how it is initialised: every element is `constant` plus a normal number of deviation `deviation`.
struct PlannedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  double constant = 0.0;
  double deviation = 0.0;
};

struct CheckpointPlan {
  nlohmann::ordered_json config;             // config.json
  nlohmann::ordered_json generation_config;  // generation_config.json
  std::vector<PlannedTensor> tensors;
};

// A GPT-2 shape. Tensors are named as the published checkpoints name them (no "transformer." before them).
struct Gpt2Shape {
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t width = 768;
  std::int64_t vocabulary = 50257;
  std::int64_t positions = 1024;
};

// A Llama shape with a tied head.
struct LlamaShape {
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t kv_heads = 4;
  std::int64_t head_dim = 64;
  std::int64_t width = 768;
  std::int64_t mlp_width = 2048;
  std::int64_t vocabulary = 50257;
  std::int64_t positions = 8192;
  // Of every matrix; the family's own is 0.02, narrow models want about 1 / sqrt(width).
  double deviation = 0.02;
};

// Initialised as the families are: GPT-2's matrices with deviation 0.02 (into the residual stream 0.02 / sqrt(2
// layers)), norms one, biases zero. The end-of-sequence id is the last of the vocabulary.
CheckpointPlan PlanGpt2(const Gpt2Shape& shape);
CheckpointPlan PlanLlama(const LlamaShape& shape);

// The plan of a named shape: gpt2-small (124 M parameters), llama-small (114 M, grouped queries), gpt2-tiny,
// llama-tiny. INVALID_ARGUMENT names the known ones.
absl::StatusOr<CheckpointPlan> PlanShape(std::string_view name);

}  // namespace headscope::worker
