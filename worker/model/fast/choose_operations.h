// Which table of operations serves a model.
#pragma once

#include <cstdint>
#include <memory>

#include <c10/core/Device.h>

#include "worker/model/fast/fast_engine.h"
#include "worker/tensor/operations.h"

namespace headscope::worker {

struct OperationsChoice {
  at::Device device = at::kCPU;
  // LibTorch's own operations also on the CPU; otherwise that has vector kernels with oneDNN where this build has them.
  bool torch_only = false;
  // Without, weights are read where they lie, so that models that share them take them once.
  bool pack = true;
  // Of activations; else float32.
  bool float64 = false;
};

std::unique_ptr<Operations> ChooseOperations(const OperationsChoice& choice);

// What the fast engine chooses for `model`.
OperationsChoice ChoiceFor(const Model& model, const FastEngineOptions& options = {});

// Whether that is float64, from what is known before a model is loaded.
bool ComputesInFloat64(std::int64_t parameters, DType dtype, const FastEngineOptions& options = {});

}  // namespace headscope::worker
