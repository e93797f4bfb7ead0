// Vector kernels of the CPU: plain functions of plain memory, compiled once per instruction set and chosen when the
// program starts. Nothing here knows tensors. All arrays are float32, row-major and contiguous; threads are OpenMP's of
// the calling thread, and results do not depend on their number.
//
// Letters as in operations.h: n tokens, H query heads, G key-value heads, d head_dim, w width.
#pragma once

#include <cstdint>

#include "worker/tensor/layer_kinds.h"

namespace headscope::worker {

// Attention over a packed batch, as AttentionOptions says it. Absent windows and caps are 0.
struct AttentionArguments {
  std::int64_t heads, kv_heads, head_dim;
  float scale;
  std::int64_t window;
  float soft_cap;
  std::int64_t sequences;
  const std::int64_t* offsets;  // [sequences + 1]
  const float* q;               // [n, H * d]
  const float* k;               // [n, G * d]
  const float* v;               // [n, G * d]
  float* z;                     // [n, H * d], forward only
  float* lse;                   // [H, n]; written forward, read backward
  // Backward only.
  const float* dz;    // [n, H * d]
  const float* dots;  // [H, n]
  float* dq;          // [n, H * d], overwritten
  float* dk;          // [n, G * d], overwritten
  float* dv;          // [n, G * d], overwritten
};

struct KernelTable {
  // "avx512", "avx2" or "plain".
  const char* name;

  // normed [n, w], scale [n], out [n, w] from x [n, w], as Operations::Norm. gain and bias may be null (1 and 0); x may
  // be normed. gain_offset is added to the gain.
  void (*norm)(NormKind kind, float epsilon, std::int64_t n, std::int64_t w, const float* x, const float* gain,
               float gain_offset, const float* bias, float* normed, float* scale, float* out);
  // dx (+)= reverse of the above; dx may be dout.
  void (*norm_backward)(NormKind kind, std::int64_t n, std::int64_t w, const float* dout, const float* gain,
                        float gain_offset, const float* normed, const float* scale, float* dx, bool add);
  // out = f(up), up <- f'(up).
  void (*activate)(ActivationKind kind, std::int64_t size, float* up, float* out);
  // out = f(gate) * up, gate <- f'(gate) * up, up <- f(gate).
  void (*activate_gated)(ActivationKind kind, std::int64_t size, float* gate, float* up, float* out);
  void (*multiply)(std::int64_t size, const float* a, const float* b, float* out);
  // x += y.
  void (*add)(std::int64_t size, float* x, const float* y);
  // Half-split rotation in place of the first 2 * half columns of each head of x [n, heads * d]; row i by
  // cosine and sine [positions, half] at positions[i].
  void (*rotate)(std::int64_t n, std::int64_t heads, std::int64_t d, std::int64_t half, const float* cosine,
                 const float* sine, const std::int64_t* positions, bool inverse, float* x);
  void (*attention)(const AttentionArguments& arguments);
  // dots [H, n] = <z, dz>.
  void (*head_dots)(std::int64_t n, std::int64_t heads, std::int64_t d, const float* z, const float* dz, float* dots);
  void (*attention_backward)(const AttentionArguments& arguments);

  // One chunk of columns of a running softmax. logits [rows, columns] with `stride` between rows is replaced by
  // exp(l - maximum) [* dl/dlogit], l the logit after the soft cap (0: none); maximum [rows] and total [rows] (the sum
  // of exponentials, wide) go on from the chunks before (begin: maximum -infinity, total 0); rescale [rows] is what
  // earlier exponentials of the row have to be multiplied by.
  void (*softmax_chunk)(std::int64_t rows, std::int64_t columns, std::int64_t stride, float soft_cap, float* logits,
                        float* maximum, double* total, float* rescale);
  // Rounds to nearest even; NaN stays NaN.
  void (*to_bfloat16)(std::int64_t size, const float* from, std::uint16_t* to);
  void (*from_bfloat16)(std::int64_t size, const std::uint16_t* from, float* to);
};

// The best table that this processor runs. HEADSCOPE_CPU_KERNELS=plain|avx2|avx512 takes a lesser one (for
// comparisons); what the processor cannot run or is not known is ignored.
const KernelTable& Kernels();
// Every table that this processor runs, best first; for tests.
struct KernelTables {
  const KernelTable* tables[3];
  int count;
};
KernelTables RunnableKernels();

}  // namespace headscope::worker
