// Small pure functions of tensors from which the decoder is made. All are differentiable and throw what ATen throws.
// Letters: B batch, H heads, Q query positions, K key positions, d head_dim, D width.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace headscope::worker {

// x [..., D], weight [D], bias [D] or undefined -> [..., D]: (x - mean) / sqrt(variance + epsilon) * weight + bias.
at::Tensor LayerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon);

// x [..., D], weight [D] -> [..., D]: x / sqrt(mean(x^2) + epsilon) * weight, or * (1 + weight). The normalisation is
// done in float32 at least; a weight multiplies after the cast back to x's dtype, (1 + weight) before it, as the
// families' reference implementations do (it matters in bfloat16).
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon, bool weight_plus_one);

// Cosines and sines of one rope for positions 0 .. positions - 1.
struct RopeTable {
  at::Tensor cosine;  // [positions, dimensions / 2]
  at::Tensor sine;    // [positions, dimensions / 2]
};

// Angles are products in float32 and their cosines are rounded to float32, whatever `like`'s dtype: so do the reference
// implementations, and at thousands of positions it shows. An entry depends on its position and frequency alone, not on
// the table's size or the number of threads. The result has the dtype and device of `like`.
RopeTable MakeRopeTable(const std::vector<float>& inverse_frequency, double scaling, std::int64_t positions,
                        const at::Tensor& like);

// x [B, H, Q, d] -> [B, H, Q, d]: half-split rotation of the first `dimensions` columns, the rest passed through.
at::Tensor ApplyRope(const at::Tensor& x, const RopeTable& table);

// true [Q, K] where the key must not be seen: later than the query, or `window` or more positions before it.
at::Tensor HiddenKeys(std::int64_t positions, std::optional<std::int64_t> window, const at::Device& device);

// cap * tanh(x / cap).
at::Tensor SoftCap(const at::Tensor& x, double cap);

// query [B, H, Q, d], key and value [B, Hkv, K, d], hidden [Q, K] -> z [B, H, Q, d]:
// softmax(mask(soft_cap(scale * q.k))) v, query head h reading kv head h / (H / Hkv). The softmax is taken in float32
// at least. Masked scores are the dtype's lowest number, so every row stays finite.
at::Tensor Attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& hidden,
                  double scale, std::optional<double> soft_cap);

}  // namespace headscope::worker
