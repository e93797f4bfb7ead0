#include "worker/model/fast/memory_estimate.h"

#include <algorithm>

#include "worker/model/fast/tape.h"

// Letters: n rows of tokens (a sample's last token has none), r predicting rows, m rows that go on after the last
// layer's attention, w width. Sizes are in numbers until they are summed up.
namespace headscope::worker {
namespace {

struct Rows {
  std::int64_t n, r;
};

// What LayerPass takes besides the tapes, as long as there is more than one layer; a single layer takes less.
std::int64_t PassNumbers(const DecoderSpec& spec, Rows rows) {
  const std::int64_t query = spec.heads * spec.head_dim, key = spec.kv_heads * spec.head_dim;
  const bool selects = rows.r < rows.n;
  std::int64_t row = spec.mlp_width + query + spec.width;           // mlp inner, dz, d normed
  row += query + 2 * key;                                           // d query, d key, d value
  if (spec.residual != ResidualKind::kPost) row += 2 * spec.width;  // hidden, d hidden
  if (spec.residual == ResidualKind::kSandwich) row += spec.width;  // branch
  if (selects) row += query + spec.width;                           // dz spread, dx
  if (selects && spec.residual == ResidualKind::kParallel && spec.parallel_shared_norm) row += spec.width;
  return row * rows.n;
}

// The stream, the head's rows and D of one layer.
std::int64_t EndNumbers(const DecoderSpec& spec, Rows rows) {
  std::int64_t numbers = rows.n * (spec.width + spec.heads) + rows.r * spec.width;  // stream, dots, d rows
  if (spec.final_norm) numbers += rows.r * (spec.width + 1);
  if (spec.final_norm && spec.residual == ResidualKind::kPost) numbers += rows.r * spec.width;
  if (spec.projected_width.has_value()) numbers += 2 * rows.r * *spec.projected_width;
  return numbers;
}

std::int64_t BufferBytes(const DecoderSpec& spec, Rows rows, at::ScalarType type, std::int64_t activation_bytes) {
  const std::int64_t first_kept = FirstKeptLayer(spec, rows.n, type, activation_bytes);
  const std::int64_t tapes = spec.layers - first_kept + (first_kept > 0 ? 1 : 0);
  const auto number = static_cast<std::int64_t>(c10::elementSize(type));
  return tapes * TapeBytes(spec, rows.n, type) +
         number * (first_kept * rows.n * spec.width + PassNumbers(spec, rows) + EndNumbers(spec, rows));
}

// Copies that PrepareDecoder lets the table make, in its order and within the table's limit.
std::int64_t PackedBytes(const DecoderSpec& spec, bool bfloat16, const Operations& operations) {
  const std::int64_t query = spec.heads * spec.head_dim, key = spec.kv_heads * spec.head_dim;
  const std::int64_t attention = operations.PackedBytes(query, spec.width, bfloat16) +
                                 2 * operations.PackedBytes(key, spec.width, bfloat16) +
                                 operations.PackedBytes(spec.width, query, bfloat16);
  const std::int64_t mlp = (spec.gated_mlp ? 2 : 1) * operations.PackedBytes(spec.mlp_width, spec.width, bfloat16) +
                           operations.PackedBytes(spec.width, spec.mlp_width, bfloat16);
  std::int64_t ends = 0;
  if (spec.projected_width.has_value()) {
    ends = operations.PackedBytes(spec.width, *spec.projected_width, bfloat16) +
           operations.PackedBytes(*spec.projected_width, spec.width, bfloat16);
  }
  return std::min(operations.PackLimit(), spec.layers * (attention + mlp) + ends);
}

AttentionOptions HeadsOf(const DecoderSpec& spec) {
  AttentionOptions options;
  options.heads = spec.heads;
  options.kv_heads = spec.kv_heads;
  options.head_dim = spec.head_dim;
  return options;
}

}  // namespace

FastMemory EstimateFastMemory(const ModelDescription& model, DType dtype, const BatchShape& batch,
                              const Operations& operations, const FastEngineOptions& options) {
  const DecoderSpec& spec = model.spec;
  const bool bfloat16 = dtype == DType::kBFloat16;
  const Rows rows = {batch.tokens - batch.samples, batch.response_tokens};
  FastMemory memory;
  memory.weights = model.parameters * (bfloat16 ? 2 : 4);
  memory.packed = PackedBytes(spec, bfloat16, operations);
  memory.buffers = BufferBytes(spec, rows, operations.type(), options.activation_bytes);
  // D of every layer, a method's planes of it and their copies come last; the head's sums and attention's scratch
  // before.
  const std::int64_t results =
      std::int64_t{sizeof(float)} * spec.layers * spec.heads * (batch.tokens + 8 * batch.samples);
  const std::int64_t width = spec.projected_width.value_or(spec.width);
  memory.passing = results + std::max(operations.HeadLossBytes(rows.r, width, spec.vocabulary),
                                      operations.AttentionBytes(HeadsOf(spec), batch.longest));
  return memory;
}

std::int64_t FastBytesPerToken(const DecoderSpec& spec, bool float64) {
  constexpr std::int64_t kMany = 1024;
  const std::int64_t unbounded = std::int64_t{1} << 60;
  return BufferBytes(spec, {kMany, kMany}, float64 ? at::kDouble : at::kFloat, unbounded) / kMany;
}

}  // namespace headscope::worker
