#include "tests/worker/tensor/cpu/attention_case.h"

#include <algorithm>
#include <cmath>

#include "tests/worker/tensor/cpu/kernel_numbers.h"

namespace headscope::worker {

AttentionCase::AttentionCase(const AttentionShape& shape, std::uint32_t seed)
    : shape_(shape), offsets_({0}), scale_(1.0f / std::sqrt(static_cast<float>(shape.head_dim))) {
  for (const std::int64_t length : shape.lengths) offsets_.push_back(offsets_.back() + length);
  const std::int64_t query_size = offsets_.back() * shape.heads * shape.head_dim;
  const std::int64_t key_size = offsets_.back() * shape.kv_heads * shape.head_dim;
  q = RandomFloats(query_size, seed);
  k = RandomFloats(key_size, seed + 1);
  v = RandomFloats(key_size, seed + 2);
  dz = RandomFloats(query_size, seed + 3);
}

AttentionResult<float> AttentionCase::Run(const FloatKernels& kernels) const {
  const std::int64_t n = offsets_.back();
  AttentionResult<float> result;
  // What the kernels must overwrite is no number to begin with.
  for (auto* out : {&result.z, &result.dq}) out->assign(q.size(), NAN);
  for (auto* out : {&result.dk, &result.dv}) out->assign(k.size(), NAN);
  for (auto* out : {&result.lse, &result.dots}) out->assign(static_cast<std::size_t>(n * shape_.heads), NAN);
  AttentionArguments<float> arguments = {};
  arguments.heads = shape_.heads, arguments.kv_heads = shape_.kv_heads, arguments.head_dim = shape_.head_dim;
  arguments.scale = scale_, arguments.window = shape_.window, arguments.soft_cap = shape_.soft_cap;
  arguments.sequences = static_cast<std::int64_t>(shape_.lengths.size());
  arguments.offsets = offsets_.data();
  arguments.q = q.data(), arguments.k = k.data(), arguments.v = v.data(), arguments.dz = dz.data();
  arguments.z = result.z.data(), arguments.lse = result.lse.data();
  kernels.attention(arguments);
  kernels.head_dots(n, shape_.heads, shape_.head_dim, result.z.data(), dz.data(), result.dots.data());
  arguments.dots = result.dots.data();
  arguments.dq = result.dq.data(), arguments.dk = result.dk.data(), arguments.dv = result.dv.data();
  kernels.attention_backward(arguments);
  return result;
}

// One query row: offsets of its head in q and of the keys [first, last] of its head in k.
struct AttentionCase::Row {
  std::int64_t query, statistic, first, last, kv_head;
};

void AttentionCase::TruthOfRow(const Row& row, AttentionResult<double>& result) const {
  const std::int64_t d = shape_.head_dim, keys = row.last - row.first + 1;
  const auto key_at = [&](std::int64_t j) { return ((row.first + j) * shape_.kv_heads + row.kv_head) * d; };
  std::vector<double> score(keys), slope(keys, 1.0), dp(keys, 0.0);
  for (std::int64_t j = 0; j < keys; ++j) {
    for (std::int64_t i = 0; i < d; ++i) score[j] += double{q[row.query + i]} * k[key_at(j) + i];
    for (std::int64_t i = 0; i < d; ++i) dp[j] += double{dz[row.query + i]} * v[key_at(j) + i];
    score[j] *= scale_;
    if (shape_.soft_cap == 0) continue;
    const double tanh = std::tanh(score[j] / shape_.soft_cap);
    score[j] = shape_.soft_cap * tanh, slope[j] = 1 - tanh * tanh;
  }
  const double maximum = *std::max_element(score.begin(), score.end());
  double total = 0, dot = 0;
  for (const double s : score) total += std::exp(s - maximum);
  const double lse = maximum + std::log(total);
  for (std::int64_t j = 0; j < keys; ++j) dot += std::exp(score[j] - lse) * dp[j];
  result.lse[row.statistic] = lse, result.dots[row.statistic] = dot;
  for (std::int64_t j = 0; j < keys; ++j) {
    const double p = std::exp(score[j] - lse), ds = p * (dp[j] - dot) * slope[j] * scale_;
    for (std::int64_t i = 0; i < d; ++i) {
      result.z[row.query + i] += p * v[key_at(j) + i];
      result.dq[row.query + i] += ds * k[key_at(j) + i];
      result.dk[key_at(j) + i] += ds * q[row.query + i];
      result.dv[key_at(j) + i] += p * dz[row.query + i];
    }
  }
}

AttentionResult<double> AttentionCase::Truth() const {
  const std::int64_t n = offsets_.back();
  AttentionResult<double> result;
  for (auto* out : {&result.z, &result.dq}) out->assign(q.size(), 0.0);
  for (auto* out : {&result.dk, &result.dv}) out->assign(k.size(), 0.0);
  for (auto* out : {&result.lse, &result.dots}) out->assign(static_cast<std::size_t>(n * shape_.heads), 0.0);
  for (std::size_t sequence = 0; sequence < shape_.lengths.size(); ++sequence) {
    for (std::int64_t token = offsets_[sequence]; token < offsets_[sequence + 1]; ++token) {
      const std::int64_t seen = shape_.window > 0 ? token - shape_.window + 1 : 0;
      for (std::int64_t head = 0; head < shape_.heads; ++head) {
        TruthOfRow({(token * shape_.heads + head) * shape_.head_dim, head * n + token,
                    std::max(offsets_[sequence], seen), token, head / (shape_.heads / shape_.kv_heads)},
                   result);
      }
    }
  }
  return result;
}

}  // namespace headscope::worker
