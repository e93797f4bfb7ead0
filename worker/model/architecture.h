// A model's spec together with where each of its weights stands in a checkpoint: plain values, no tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// What a weight does in the decoder. The first group is one per model, the second one per layer.
enum class WeightRole {
  kEmbedding,
  kPositionEmbedding,
  kFinalNorm,
  kHead,
  kEmbeddingProjection,
  kHeadProjection,
  kAttentionNorm,
  kAttentionPostNorm,
  kQuery,
  kKey,
  kValue,
  kOutput,
  kQueryNorm,
  kKeyNorm,
  kMlpNorm,
  kMlpPostNorm,
  kGate,
  kUp,
  kDown,
};

enum class WeightPart { kWeight, kBias };

// One tensor of the decoder.
struct WeightSlot {
  WeightRole role = WeightRole::kEmbedding;
  WeightPart part = WeightPart::kWeight;
  // 0 for roles that exist once per model.
  std::int64_t layer = 0;

  friend bool operator==(const WeightSlot&, const WeightSlot&) = default;
};

// "query weight of layer 3".
std::string SlotName(const WeightSlot& slot);

// Shape of `slot`: linears [out, in], norms and biases [out], embeddings [rows, width].
std::vector<std::int64_t> SlotShape(const DecoderSpec& spec, const WeightSlot& slot);

// Which rows of a stored tensor (after any transposition) fill `slot`: rows begin + i * stride + [0, block) for
// i < count, in this order. A stored tensor that is one slot has begin 0 and count 1.
struct Placement {
  WeightSlot slot;
  std::int64_t begin = 0;
  std::int64_t block = 0;
  std::int64_t stride = 0;
  std::int64_t count = 1;
};

enum class Presence {
  kRequired,
  // May be there, has its expected shape, and is not read (the head of a tied model).
  kUnread,
};

// One tensor of a checkpoint file.
struct FileTensor {
  // Name as the family's reference implementation writes it, prefix included.
  std::string name;
  // What it fills: one slot, or several where projections are fused.
  std::vector<Placement> placements;
  // Stored [in, out] (Conv1D) instead of [out, in].
  bool transposed = false;
  Presence presence = Presence::kRequired;
};

// Shape in which `tensor` is stored, by its slots.
std::vector<std::int64_t> FileShape(const DecoderSpec& spec, const FileTensor& tensor);

// How a checkpoint writes the names of its tensors: `prefix` where an architecture's names begin with
// Architecture::prefix, and `outer` before the others (the vocabulary head).
struct NameSpelling {
  std::string prefix;
  std::string outer;
};

// What a family makes of a config.json. A plain value.
struct Architecture {
  DecoderSpec spec;
  std::vector<FileTensor> tensors;
  // Of the names ("model."). Checkpoints of the bare decoder carry the same names without it. All or none.
  std::string prefix;
  // Further spellings (the language model inside of a larger one). A checkpoint keeps to one.
  std::vector<NameSpelling> spellings;
  // Names, prefix included, that carry nothing the decoder needs; '#' stands for a number.
  std::vector<std::string> ignored;
  // Names as stored, in any spelling, of parts that the decoder leaves out (a vision tower).
  std::vector<std::string> skipped;
};

// The ways in which a checkpoint may spell the architecture's names: with the prefix, without it, and further ones.
std::vector<NameSpelling> SpellingsOf(const Architecture& architecture);

// What `name`, in `spelling`, may be called in the architecture: its canonical names, most likely first.
std::vector<std::string> CanonicalNames(const Architecture& architecture, const NameSpelling& spelling,
                                        const std::string& name);

// Whether `pattern` (exact, but '#' stands for one or more digits, and '*' at its end for any rest) matches `name`.
bool MatchesPattern(std::string_view pattern, std::string_view name);

// Checks that `architecture` fills every slot that the decoder reads, once. INTERNAL otherwise: a family's mistake.
absl::Status CheckArchitecture(const Architecture& architecture);

}  // namespace headscope::worker
