#include "worker/model/decoder_weights.h"

#include <utility>

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {

Affine* FindAffine(DecoderWeights& weights, WeightRole role, std::int64_t layer) {
  using enum WeightRole;
  if (role == kEmbedding) return &weights.embedding;
  if (role == kPositionEmbedding) return &weights.position_embedding;
  if (role == kFinalNorm) return &weights.final_norm;
  if (role == kHead) return &weights.head;
  if (role == kEmbeddingProjection) return &weights.embedding_projection;
  if (role == kHeadProjection) return &weights.head_projection;
  if (layer < 0 || layer >= static_cast<std::int64_t>(weights.layers.size())) return nullptr;
  LayerWeights& at = weights.layers[layer];
  switch (role) {
    case kAttentionNorm:
      return &at.attention_norm;
    case kAttentionPostNorm:
      return &at.attention_post_norm;
    case kQuery:
      return &at.query;
    case kKey:
      return &at.key;
    case kValue:
      return &at.value;
    case kOutput:
      return &at.output;
    case kQueryNorm:
      return &at.query_norm;
    case kKeyNorm:
      return &at.key_norm;
    case kMlpNorm:
      return &at.mlp_norm;
    case kMlpPostNorm:
      return &at.mlp_post_norm;
    case kGate:
      return &at.gate;
    case kUp:
      return &at.up;
    case kDown:
      return &at.down;
    default:
      return nullptr;
  }
}

at::Tensor PickRows(const at::Tensor& stored, const Placement& placement) {
  std::vector<at::Tensor> blocks;
  for (std::int64_t i = 0; i < placement.count; ++i) {
    blocks.push_back(stored.narrow(0, placement.begin + i * placement.stride, placement.block));
  }
  return blocks.size() == 1 ? blocks[0] : at::cat(blocks, 0);
}

absl::Status PlaceTensor(const FileTensor& tensor, const at::Tensor& stored, const DecoderSpec& spec,
                         DecoderWeights* weights) {
  if (stored.sizes() != at::IntArrayRef(FileShape(spec, tensor))) {
    return absl::InternalError(absl::StrCat("tensor ", tensor.name, " does not have the shape of its file entry"));
  }
  const at::Tensor rows = tensor.transposed && stored.dim() == 2 ? stored.t() : stored;
  for (const Placement& placement : tensor.placements) {
    at::Tensor* slot = FindSlot(*weights, placement.slot);
    const bool whole = placement.begin == 0 && placement.count == 1 && placement.block == rows.size(0);
    if (slot != nullptr) *slot = whole ? rows : PickRows(rows, placement);
  }
  return absl::OkStatus();
}

at::Tensor* FindSlot(DecoderWeights& weights, const WeightSlot& slot) {
  Affine* affine = FindAffine(weights, slot.role, slot.layer);
  if (affine == nullptr) return nullptr;
  return slot.part == WeightPart::kWeight ? &affine->weight : &affine->bias;
}

absl::StatusOr<DecoderWeights> AssembleWeights(const Architecture& architecture, const TensorSource& source) {
  DecoderWeights weights;
  weights.layers.resize(architecture.spec.layers);
  for (const FileTensor& tensor : architecture.tensors) {
    if (tensor.presence == Presence::kUnread) continue;
    const absl::StatusOr<at::Tensor> stored = source(tensor);
    if (!stored.ok()) return stored.status();
    const absl::Status status = PlaceTensor(tensor, *stored, architecture.spec, &weights);
    if (!status.ok()) return status;
  }
  if (architecture.spec.tied_head) weights.head.weight = weights.embedding.weight;
  return weights;
}

}  // namespace headscope::worker
