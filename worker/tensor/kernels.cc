#include "worker/tensor/kernels.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include <ATen/ATen.h>

namespace headscope::worker {
namespace {

// float64 stays, everything narrower than float32 is widened.
at::ScalarType AtLeastFloat(at::ScalarType type) { return type == at::kDouble ? at::kDouble : at::kFloat; }

double Lowest(at::ScalarType type) {
  if (type == at::kDouble) return std::numeric_limits<double>::lowest();
  return std::numeric_limits<float>::lowest();
}

}  // namespace

at::Tensor LayerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon) {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon, bool weight_plus_one) {
  const at::Tensor wide = x.to(AtLeastFloat(x.scalar_type()));
  const at::Tensor normed = wide * at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + epsilon);
  if (weight_plus_one) return (normed * (1.0 + weight.to(wide.scalar_type()))).to(x.scalar_type());
  return normed.to(x.scalar_type()) * weight;
}

RopeTable MakeRopeTable(const std::vector<float>& inverse_frequency, double scaling, std::int64_t positions,
                        const at::Tensor& like) {
  const std::vector<std::int64_t> shape = {positions, static_cast<std::int64_t>(inverse_frequency.size())};
  const at::Tensor cosine = at::empty(shape, at::kFloat), sine = at::empty(shape, at::kFloat);
  auto* next_cosine = cosine.data_ptr<float>();
  auto* next_sine = sine.data_ptr<float>();
  const auto factor = static_cast<float>(scaling);
  // Not by at::cos: where its threads meet it computes other last digits than elsewhere.
  for (std::int64_t position = 0; position < positions; ++position) {
    for (const float frequency : inverse_frequency) {
      const float angle = static_cast<float>(position) * frequency;
      *next_cosine++ = static_cast<float>(std::cos(double{angle})) * factor;
      *next_sine++ = static_cast<float>(std::sin(double{angle})) * factor;
    }
  }
  return {cosine.to(like.options()), sine.to(like.options())};
}

at::Tensor ApplyRope(const at::Tensor& x, const RopeTable& table) {
  const std::int64_t half = table.cosine.size(-1);
  const at::Tensor first = x.narrow(-1, 0, half);
  const at::Tensor second = x.narrow(-1, half, half);
  std::vector<at::Tensor> columns = {first * table.cosine - second * table.sine,
                                     second * table.cosine + first * table.sine};
  const std::int64_t rest = x.size(-1) - 2 * half;
  if (rest > 0) columns.push_back(x.narrow(-1, 2 * half, rest));
  return at::cat(columns, -1);
}

at::Tensor HiddenKeys(std::int64_t positions, std::optional<std::int64_t> window, const at::Device& device) {
  const at::Tensor position = at::arange(positions, at::TensorOptions(at::kLong).device(device));
  const at::Tensor distance = position.unsqueeze(1) - position.unsqueeze(0);  // [Q, K] query - key
  at::Tensor hidden = distance.lt(0);
  if (window.has_value()) hidden = hidden.logical_or(distance.ge(*window));
  return hidden;
}

at::Tensor SoftCap(const at::Tensor& x, double cap) { return (x / cap).tanh() * cap; }

at::Tensor Attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& hidden,
                  double scale, std::optional<double> soft_cap) {
  const std::int64_t batch = query.size(0), heads = query.size(1), queries = query.size(2), head_dim = query.size(3);
  const std::int64_t kv_heads = key.size(1), keys = key.size(2);
  // The query heads of one kv head are neighbours, so their rows can be laid end to end instead of repeating keys.
  const at::Tensor grouped = (query * scale).reshape({batch, kv_heads, (heads / kv_heads) * queries, head_dim});
  at::Tensor scores = at::matmul(grouped, key.transpose(-1, -2)).view({batch, heads, queries, keys});
  if (soft_cap.has_value()) scores = SoftCap(scores, *soft_cap);
  const at::ScalarType wide = AtLeastFloat(scores.scalar_type());
  scores = scores.to(wide).masked_fill(hidden, Lowest(wide));
  // Masked entries are exactly 0 after the softmax: exp underflows.
  const at::Tensor probabilities = scores.softmax(-1).to(query.scalar_type());  // [B, H, Q, K]
  const at::Tensor z = at::matmul(probabilities.view({batch, kv_heads, -1, keys}), value);
  return z.view({batch, heads, queries, head_dim});
}

}  // namespace headscope::worker
