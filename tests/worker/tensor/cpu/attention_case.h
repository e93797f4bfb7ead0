// One attention problem: random inputs, the kernels' outputs, and the truth by plain loops in float64.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/tensor/cpu/kernel_table.h"

namespace headscope::worker {

struct AttentionShape {
  std::vector<std::int64_t> lengths;
  std::int64_t heads = 1, kv_heads = 1, head_dim = 64;
  std::int64_t window = 0;
  float soft_cap = 0;
};

// Everything attention computes, forward and reverse.
template <typename Number>
struct AttentionResult {
  std::vector<Number> z, lse, dots, dq, dk, dv;
};

class AttentionCase {
 public:
  explicit AttentionCase(const AttentionShape& shape, std::uint32_t seed = 1);

  AttentionResult<float> Run(const FloatKernels& kernels) const;
  AttentionResult<double> Truth() const;

  // To be changed by tests before a run. q, dz [n, H * d]; k, v [n, G * d].
  std::vector<float> q, k, v, dz;

 private:
  struct Row;
  void TruthOfRow(const Row& row, AttentionResult<double>& result) const;

  AttentionShape shape_;
  std::vector<std::int64_t> offsets_;
  float scale_;
};

}  // namespace headscope::worker
