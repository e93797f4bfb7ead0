// Vector kernels of the CPU: plain functions of plain memory, compiled once per instruction set and chosen when the
// program starts. Nothing here knows tensors. All arrays are row-major and contiguous, their numbers float or double;
// threads are OpenMP's of the calling thread, and results do not depend on their number.
//
// Letters as in operations.h: n tokens, H query heads, G key-value heads, d head_dim, w width.
#pragma once

#include <cstdint>

#include "worker/tensor/layer_kinds.h"

namespace headscope::worker {

// Attention over a packed batch, as AttentionOptions says it. Absent windows and caps are 0.
template <typename Real>
struct AttentionArguments {
  std::int64_t heads, kv_heads, head_dim;
  Real scale;
  std::int64_t window;
  Real soft_cap;
  std::int64_t sequences;
  const std::int64_t* offsets;  // [sequences + 1]
  const Real* q;                // [n, H * d]
  const Real* k;                // [n, G * d]
  const Real* v;                // [n, G * d]
  Real* z;                      // [n, H * d], forward only
  Real* lse;                    // [H, n]; written forward, read backward
  // Backward only.
  const Real* dz;    // [n, H * d]
  const Real* dots;  // [H, n]
  Real* dq;          // [n, H * d], overwritten
  Real* dk;          // [n, G * d], overwritten
  Real* dv;          // [n, G * d], overwritten
};

template <typename Real>
struct KernelTable {
  // "avx512", "avx2" or "plain".
  const char* name;

  // normed [n, w], scale [n], out [n, w] from x [n, w], as Operations::Norm. gain and bias may be null (1 and 0); x may
  // be normed. gain_offset is added to the gain.
  void (*norm)(NormKind kind, Real epsilon, std::int64_t n, std::int64_t w, const Real* x, const Real* gain,
               Real gain_offset, const Real* bias, Real* normed, Real* scale, Real* out);
  // dx (+)= reverse of the above; dx may be dout.
  void (*norm_backward)(NormKind kind, std::int64_t n, std::int64_t w, const Real* dout, const Real* gain,
                        Real gain_offset, const Real* normed, const Real* scale, Real* dx, bool add);
  // out = f(up), up <- f'(up).
  void (*activate)(ActivationKind kind, std::int64_t size, Real* up, Real* out);
  // out = f(gate) * up, gate <- f'(gate) * up, up <- f(gate).
  void (*activate_gated)(ActivationKind kind, std::int64_t size, Real* gate, Real* up, Real* out);
  void (*multiply)(std::int64_t size, const Real* a, const Real* b, Real* out);
  // x += y.
  void (*add)(std::int64_t size, Real* x, const Real* y);
  // Half-split rotation in place of the first 2 * half columns of each head of x [n, heads * d]; row i by
  // cosine and sine [positions, half] at positions[i].
  void (*rotate)(std::int64_t n, std::int64_t heads, std::int64_t d, std::int64_t half, const Real* cosine,
                 const Real* sine, const std::int64_t* positions, bool inverse, Real* x);
  void (*attention)(const AttentionArguments<Real>& arguments);
  // dots [H, n] = <z, dz>.
  void (*head_dots)(std::int64_t n, std::int64_t heads, std::int64_t d, const Real* z, const Real* dz, Real* dots);
  void (*attention_backward)(const AttentionArguments<Real>& arguments);

  // One chunk of columns of a running softmax. logits [rows, columns] with `stride` between rows is replaced by
  // exp(l - maximum) [* dl/dlogit], l the logit after the soft cap (0: none); maximum [rows] and total [rows] (the sum
  // of exponentials, wide) go on from the chunks before (begin: maximum -infinity, total 0); rescale [rows] is what
  // earlier exponentials of the row have to be multiplied by.
  void (*softmax_chunk)(std::int64_t rows, std::int64_t columns, std::int64_t stride, Real soft_cap, Real* logits,
                        Real* maximum, double* total, Real* rescale);
};

// In float32 matrix products are oneDNN's; what is left of them is rounding.
struct FloatKernels : KernelTable<float> {
  // Rounds to nearest even; NaN stays NaN.
  void (*to_bfloat16)(std::int64_t size, const float* from, std::uint16_t* to);
  void (*from_bfloat16)(std::int64_t size, const std::uint16_t* from, float* to);
};

// oneDNN has no products of float64.
struct DoubleKernels : KernelTable<double> {
  // A factor B [depth, columns] is read from a copy in panels of so many columns, each [depth, panel], zeros behind the
  // last column.
  std::int64_t panel;
  // B in float32 with any strides -> its panels.
  void (*pack)(std::int64_t depth, std::int64_t columns, const float* b, std::int64_t row_stride,
               std::int64_t column_stride, double* panels);
  // C [rows, columns] = A [rows, depth] B (+ bias [columns], which may be null) (+ C).
  void (*product)(std::int64_t rows, std::int64_t columns, std::int64_t depth, const double* a, const double* panels,
                  const double* bias, bool add, double* c);
};

// Every table, FloatKernels or DoubleKernels, that this processor runs, best first.
template <typename Table>
struct KernelTables {
  const Table* tables[3];
  int count;
};
template <typename Table>
KernelTables<Table> RunnableKernels();
// The best of them. HEADSCOPE_CPU_KERNELS=plain|avx2|avx512 takes a lesser one (for comparisons); what the processor
// cannot run or is not known is ignored.
template <typename Table>
const Table& Kernels();

template <>
KernelTables<FloatKernels> RunnableKernels();
template <>
KernelTables<DoubleKernels> RunnableKernels();
template <>
const FloatKernels& Kernels();
template <>
const DoubleKernels& Kernels();

}  // namespace headscope::worker
