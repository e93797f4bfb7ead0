#include "worker/tensor/torch_attention.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include "worker/tensor/torch_compat.h"

// Letters: G key-value heads, R query heads of each, Q queries and K keys of a block, d head_dim. The query heads of
// one key-value head are neighbours, so their rows are laid end to end: [G, R * Q, d] against [G, K, d].
namespace headscope::worker {
namespace {

// Scores of all heads that a block holds at a time (64 MiB in float32), and the queries it has at least and at most.
constexpr std::int64_t kScoreElements = std::int64_t{16} << 20;
constexpr std::int64_t kMinQueries = 16;
constexpr std::int64_t kMaxQueries = 512;

// A block of queries of one sequence and all keys that any of them sees. Rows are those of the packed batch.
struct Block {
  std::int64_t query_row;
  std::int64_t queries;
  std::int64_t key_row;
  std::int64_t keys;
};

// A sequence's blocks depend on its own length only.
std::vector<Block> MakeBlocks(const AttentionOptions& options, const std::vector<std::int64_t>& offsets) {
  std::vector<Block> blocks;
  for (std::size_t sequence = 0; sequence + 1 < offsets.size(); ++sequence) {
    const std::int64_t begin = offsets[sequence], end = offsets[sequence + 1];
    const std::int64_t row_elements = options.heads * std::max<std::int64_t>(1, end - begin);
    const std::int64_t step = std::clamp(kScoreElements / row_elements, kMinQueries, kMaxQueries);
    for (std::int64_t row = begin; row < end; row += step) {
      const std::int64_t queries = std::min(step, end - row);
      const std::int64_t key_row = options.window.has_value() ? std::max(begin, row - *options.window + 1) : begin;
      blocks.push_back({row, queries, key_row, row + queries - key_row});
    }
  }
  return blocks;
}

// Rows of x [n, heads * d] as [G, R, count, d], a view.
at::Tensor HeadView(const AttentionOptions& options, const at::Tensor& x, std::int64_t row, std::int64_t count) {
  return x.narrow(0, row, count).view({count, options.kv_heads, -1, options.head_dim}).permute({1, 2, 0, 3});
}

// The same as [G, R * count, d], for a product.
at::Tensor HeadRows(const AttentionOptions& options, const at::Tensor& x, std::int64_t row, std::int64_t count) {
  return HeadView(options, x, row, count).reshape({options.kv_heads, -1, options.head_dim});
}

// Columns of x [H, n] as [G, R * count, 1].
at::Tensor HeadColumns(const AttentionOptions& options, const at::Tensor& x, const Block& block) {
  return x.narrow(1, block.query_row, block.queries).reshape({options.kv_heads, -1, 1});
}

// true [Q, K] where the query must not see the key.
at::Tensor Hidden(const AttentionOptions& options, const Block& block, const at::Device& device) {
  const at::TensorOptions indices = at::TensorOptions(at::kLong).device(device);
  const at::Tensor query = at::arange(block.query_row, block.query_row + block.queries, indices);
  const at::Tensor key = at::arange(block.key_row, block.key_row + block.keys, indices);
  const at::Tensor distance = query.unsqueeze(1) - key.unsqueeze(0);
  at::Tensor hidden = distance.lt(0);
  if (options.window.has_value()) hidden.logical_or_(distance.ge(*options.window));
  return hidden;
}

// Scaled, capped and masked scores [G, R * Q, K], -infinity where hidden; `slope` is the cap's derivative, undefined
// without a cap.
struct Scores {
  at::Tensor values;
  at::Tensor slope;
};

// slope is left out unless wanted.
Scores BlockScores(const AttentionOptions& options, const Block& block, const at::Tensor& query_rows,
                   const at::Tensor& key_rows, bool want_slope) {
  Scores scores;
  scores.values = at::bmm(query_rows * options.scale, key_rows.transpose(1, 2));
  if (options.soft_cap.has_value()) {
    scores.values.div_(*options.soft_cap).tanh_();
    if (want_slope) scores.slope = scores.values.square().neg_().add_(1.0);
    scores.values.mul_(*options.soft_cap);
  }
  scores.values.view({options.heads, block.queries, block.keys})
      .masked_fill_(Hidden(options, block, query_rows.device()), -std::numeric_limits<double>::infinity());
  return scores;
}

void BlockForward(const AttentionOptions& options, const Block& block, const AttentionBuffers& buffers) {
  const at::Tensor query_rows = HeadRows(options, buffers.q, block.query_row, block.queries);
  const at::Tensor key_rows = HeadRows(options, buffers.k, block.key_row, block.keys);
  const at::Tensor value_rows = HeadRows(options, buffers.v, block.key_row, block.keys);
  at::Tensor weights = BlockScores(options, block, query_rows, key_rows, /*want_slope=*/false).values;
  const at::Tensor largest = weights.amax(-1, /*keepdim=*/true);
  weights.sub_(largest).exp_();
  const at::Tensor sum = weights.sum(-1, /*keepdim=*/true);  // [G, R * Q, 1]
  const at::Tensor z = at::bmm(weights, value_rows).div_(sum);
  const at::Tensor lse = sum.log().add_(largest);
  HeadView(options, buffers.z, block.query_row, block.queries)
      .copy_(z.view({options.kv_heads, -1, block.queries, options.head_dim}));
  buffers.lse.narrow(1, block.query_row, block.queries).copy_(lse.view({options.heads, block.queries}));
}

// Writes the block's rows of dq and adds to its rows of dk and dv.
void BlockBackward(const AttentionOptions& options, const Block& block, const AttentionReverse& reverse) {
  const at::Tensor query_rows = HeadRows(options, reverse.q, block.query_row, block.queries);
  const at::Tensor dz_rows = HeadRows(options, reverse.dz, block.query_row, block.queries);
  const at::Tensor key_rows = HeadRows(options, reverse.k, block.key_row, block.keys);
  const at::Tensor value_rows = HeadRows(options, reverse.v, block.key_row, block.keys);
  const Scores scores = BlockScores(options, block, query_rows, key_rows, /*want_slope=*/true);
  at::Tensor weights = scores.values;  // [G, R * Q, K]
  weights.sub_(HeadColumns(options, reverse.lse, block)).exp_();
  const at::Tensor dv = at::bmm(weights.transpose(1, 2), dz_rows);  // [G, K, d]
  HeadView(options, reverse.dv, block.key_row, block.keys).add_(dv.unsqueeze(1));

  at::Tensor dscores = at::bmm(dz_rows, value_rows.transpose(1, 2));
  dscores.sub_(HeadColumns(options, reverse.dots, block)).mul_(weights).mul_(options.scale);
  if (scores.slope.defined()) dscores.mul_(scores.slope);
  const at::Tensor dq = at::bmm(dscores, key_rows);  // [G, R * Q, d]
  HeadView(options, reverse.dq, block.query_row, block.queries)
      .copy_(dq.view({options.kv_heads, -1, block.queries, options.head_dim}));
  const at::Tensor dk = at::bmm(dscores.transpose(1, 2), query_rows);
  HeadView(options, reverse.dk, block.key_row, block.keys).add_(dk.unsqueeze(1));
}

// The fused attention of LibTorch 2.x serves where it can: on CUDA in float32, without windows and soft caps.
bool IsFused(const AttentionOptions& options, const at::Tensor& q) {
  return HasFusedAttention() && q.is_cuda() && q.scalar_type() == at::kFloat && !options.window.has_value() &&
         !options.soft_cap.has_value();
}

// Rows [begin, begin + count) of x [n, heads * d] as [1, heads, count, d], a view.
at::Tensor Fused(const at::Tensor& x, std::int64_t head_dim, std::int64_t begin, std::int64_t count) {
  return x.narrow(0, begin, count).view({1, count, -1, head_dim}).transpose(1, 2);
}

// z [1, H, count, d]; q [1, H, count, d], k and v [1, G, count, d].
at::Tensor FusedSequence(const AttentionOptions& options, const at::Tensor& q, const at::Tensor& k,
                         const at::Tensor& v) {
  const std::int64_t group = options.heads / options.kv_heads;
  const auto widen = [group](const at::Tensor& x) { return group == 1 ? x : x.repeat_interleave(group, 1); };
  return FusedCausalAttention(q, widen(k), widen(v), options.scale);
}

void FusedForward(const AttentionOptions& options, std::int64_t begin, std::int64_t count,
                  const AttentionBuffers& buffers) {
  const auto rows = [&](const at::Tensor& x) { return Fused(x, options.head_dim, begin, count); };
  rows(buffers.z).copy_(FusedSequence(options, rows(buffers.q), rows(buffers.k), rows(buffers.v)));
}

// The fused kernels keep what they need for their reverse in a graph, so the forward pass is done again here: one pass
// of attention more, and the same kernel whatever the version.
void FusedBackward(const AttentionOptions& options, std::int64_t begin, std::int64_t count,
                   const AttentionReverse& reverse) {
  const auto rows = [&](const at::Tensor& x) { return Fused(x, options.head_dim, begin, count); };
  const auto leaf = [&](const at::Tensor& x) { return rows(x).detach().requires_grad_(true); };
  const GradMode graph(true);
  const at::Tensor q = leaf(reverse.q), k = leaf(reverse.k), v = leaf(reverse.v);
  const at::Tensor z = FusedSequence(options, q, k, v);
  const std::vector<at::Tensor> gradients = Gradients({z}, {q, k, v}, {rows(reverse.dz)});
  const GradMode no_graph(false);
  rows(reverse.dq).copy_(gradients[0]);
  rows(reverse.dk).copy_(gradients[1]);
  rows(reverse.dv).copy_(gradients[2]);
}

// body(begin, count) for every sequence that has rows.
template <typename Body>
void ForEachSequence(const std::vector<std::int64_t>& offsets, const Body& body) {
  for (std::size_t sequence = 0; sequence + 1 < offsets.size(); ++sequence) {
    const std::int64_t count = offsets[sequence + 1] - offsets[sequence];
    if (count > 0) body(offsets[sequence], count);
  }
}

}  // namespace

void TorchAttention(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                    const AttentionBuffers& buffers) {
  if (IsFused(options, buffers.q)) {
    return ForEachSequence(
        offsets, [&](std::int64_t begin, std::int64_t count) { FusedForward(options, begin, count, buffers); });
  }
  for (const Block& block : MakeBlocks(options, offsets)) BlockForward(options, block, buffers);
}

void TorchAttentionBackward(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                            const AttentionReverse& reverse) {
  if (IsFused(options, reverse.q)) {
    return ForEachSequence(
        offsets, [&](std::int64_t begin, std::int64_t count) { FusedBackward(options, begin, count, reverse); });
  }
  reverse.dk.zero_();
  reverse.dv.zero_();
  for (const Block& block : MakeBlocks(options, offsets)) BlockBackward(options, block, reverse);
}

std::int64_t TorchAttentionBytes(const AttentionOptions& options, std::int64_t longest, at::ScalarType type) {
  std::int64_t most = 0;
  for (const Block& block : MakeBlocks(options, {0, longest})) {
    const std::int64_t scores = options.heads * block.queries * block.keys;
    const std::int64_t rows =
        options.head_dim * (3 * options.heads * block.queries + 3 * options.kv_heads * block.keys);
    const std::int64_t arrays = options.soft_cap.has_value() ? 3 : 2;
    most = std::max(most, arrays * scores + rows);
  }
  return static_cast<std::int64_t>(c10::elementSize(type)) * most;
}

}  // namespace headscope::worker
