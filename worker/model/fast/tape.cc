#include "worker/model/fast/tape.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

bool HasPostNorms(const DecoderSpec& spec) { return spec.residual == ResidualKind::kSandwich; }
bool HasMlpNorm(const DecoderSpec& spec) {
  return spec.residual != ResidualKind::kParallel || !spec.parallel_shared_norm;
}

// Calls take(tensor, name, rows, columns) for every buffer that `spec` needs.
template <typename Take>
void ForEachBuffer(const DecoderSpec& spec, LayerTape& tape, std::int64_t n, const Take& take) {
  const auto norm = [&](NormTape& of, const char* name, std::int64_t rows, std::int64_t width) {
    take(of.normed, absl::StrCat(name, ".normed"), rows, width);
    take(of.scale, absl::StrCat(name, ".scale"), 1, rows);
  };
  norm(tape.attention_norm, "attention_norm", n, spec.width);
  if (HasPostNorms(spec)) norm(tape.attention_post_norm, "attention_post_norm", n, spec.width);
  if (HasMlpNorm(spec)) norm(tape.mlp_norm, "mlp_norm", n, spec.width);
  if (HasPostNorms(spec)) norm(tape.mlp_post_norm, "mlp_post_norm", n, spec.width);
  if (spec.query_key_norm) {
    norm(tape.query_norm, "query_norm", n * spec.heads, spec.head_dim);
    norm(tape.key_norm, "key_norm", n * spec.kv_heads, spec.head_dim);
  }
  take(tape.query, "query", n, spec.heads * spec.head_dim);
  take(tape.key, "key", n, spec.kv_heads * spec.head_dim);
  take(tape.value, "value", n, spec.kv_heads * spec.head_dim);
  take(tape.z, "z", n, spec.heads * spec.head_dim);
  take(tape.lse, "lse", spec.heads, n);
  if (spec.gated_mlp) take(tape.gate, "gate", n, spec.mlp_width);
  take(tape.up, "up", n, spec.mlp_width);
}

}  // namespace

at::Tensor Workspace::Take(const std::string& name, std::int64_t rows, std::int64_t columns) {
  at::Tensor& buffer = buffers_[name];
  const std::int64_t size = rows * columns;
  if (!buffer.defined() || buffer.numel() < size) {
    buffer.reset();
    buffer = at::empty({size}, options_);
  }
  return buffer.narrow(0, 0, size).view({rows, columns});
}

std::int64_t Workspace::bytes() const {
  std::int64_t sum = 0;
  for (const auto& [name, buffer] : buffers_) sum += static_cast<std::int64_t>(buffer.nbytes());
  return sum;
}

LayerTape TakeTape(const DecoderSpec& spec, Workspace& workspace, std::int64_t slot, std::int64_t n) {
  LayerTape tape;
  ForEachBuffer(spec, tape, n,
                [&](at::Tensor& tensor, const std::string& name, std::int64_t rows, std::int64_t columns) {
                  tensor = workspace.Take(absl::StrCat("tape ", slot, " ", name), rows, columns);
                });
  return tape;
}

std::int64_t TapeBytes(const DecoderSpec& spec, std::int64_t n, at::ScalarType type) {
  LayerTape tape;
  std::int64_t numbers = 0;
  ForEachBuffer(spec, tape, n, [&](at::Tensor&, const std::string&, std::int64_t rows, std::int64_t columns) {
    numbers += rows * columns;
  });
  return numbers * static_cast<std::int64_t>(c10::elementSize(type));
}

std::int64_t FirstKeptLayer(const DecoderSpec& spec, std::int64_t n, at::ScalarType type,
                            std::int64_t activation_bytes) {
  const std::int64_t fit = activation_bytes / std::max<std::int64_t>(1, TapeBytes(spec, n, type));
  return fit >= spec.layers ? 0 : std::clamp<std::int64_t>(spec.layers - fit + 1, 1, spec.layers);
}

}  // namespace headscope::worker
