// The decoder's tensors, by role.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "worker/model/architecture.h"

namespace headscope::worker {

// What an adapter adds to a linear: y += scale * (x down^T) up^T. Never multiplied out: the weight it stands beside is
// shared with models that do not have it.
struct LowRankTerm {
  at::Tensor down;  // [rank, in]
  at::Tensor up;    // [out, rank]
  double scale = 1.0;
};

// Weight and bias of a linear, a norm or (without bias) an embedding. What a model does not have is undefined.
struct Affine {
  // Linear [out, in]; norm [width]; embedding [rows, width].
  at::Tensor weight;
  // [out]; undefined: none.
  at::Tensor bias;
  // Linears only, and never the vocabulary head.
  std::optional<LowRankTerm> low_rank = std::nullopt;
};

struct LayerWeights {
  // Before attention; with ResidualKind::kPost after its residual sum.
  Affine attention_norm;
  // kSandwich only: on the attention branch before it is added.
  Affine attention_post_norm;
  Affine query;   // [heads * head_dim, width]
  Affine key;     // [kv_heads * head_dim, width]
  Affine value;   // [kv_heads * head_dim, width]
  Affine output;  // [width, heads * head_dim]
  // [head_dim], with DecoderSpec::query_key_norm.
  Affine query_norm, key_norm;
  // Before the MLP; undefined in a parallel block whose branches share attention_norm.
  Affine mlp_norm;
  Affine mlp_post_norm;
  Affine gate;  // [mlp_width, width], with DecoderSpec::gated_mlp
  Affine up;    // [mlp_width, width]
  Affine down;  // [width, mlp_width]
};

// All tensors have one dtype and one device. Thread-compatible; immutable inside a Model.
struct DecoderWeights {
  Affine embedding;  // [vocabulary, width], or with DecoderSpec::projected_width that many columns
  // With DecoderSpec::projected_width, without bias.
  Affine embedding_projection;  // [width, projected_width]
  Affine head_projection;       // [projected_width, width]
  Affine position_embedding;    // [positions + position_row_offset, width], with learned positions
  std::vector<LayerWeights> layers;
  // Undefined: none (some post-norm models).
  Affine final_norm;
  // As the embedding, whose own tensor it is in a tied model.
  Affine head;
};

// Gives the tensor that a checkpoint stores as `tensor`, in FileShape.
using TensorSource = std::function<absl::StatusOr<at::Tensor>(const FileTensor& tensor)>;

// Places the tensors of `source`, asked once for each that is read. Nothing is copied unless rows are picked apart, and
// autograd sees through it: leaves of `source` that require gradients get them. A tensor that fills one slot
// untransposed is used as it is, so in-place updates of it show in the result.
absl::StatusOr<DecoderWeights> AssembleWeights(const Architecture& architecture, const TensorSource& source);

// Puts `stored`, in FileShape, into the slots that it fills. INTERNAL for another shape.
absl::Status PlaceTensor(const FileTensor& tensor, const at::Tensor& stored, const DecoderSpec& spec,
                         DecoderWeights* weights);

// stored [rows, ...] -> the placement's rows of it; a view where they are together.
at::Tensor PickRows(const at::Tensor& stored, const Placement& placement);

// What `role` of `layer` is in `weights`; null where the layer does not exist.
Affine* FindAffine(DecoderWeights& weights, WeightRole role, std::int64_t layer);
// The tensor of `slot` in `weights`; null where the layer does not exist.
at::Tensor* FindSlot(DecoderWeights& weights, const WeightSlot& slot);

}  // namespace headscope::worker
