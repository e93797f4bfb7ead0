#include "worker/model/families/common.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/rope.h"

namespace headscope::worker {
namespace {

// gelu_new and its relatives are one function, the tanh approximation.
constexpr std::array<std::pair<const char*, ActivationKind>, 9> kActivations = {{
    {"relu", ActivationKind::kRelu},
    {"gelu", ActivationKind::kGelu},
    {"gelu_python", ActivationKind::kGelu},
    {"gelu_new", ActivationKind::kGeluTanh},
    {"gelu_accurate", ActivationKind::kGeluTanh},
    {"gelu_fast", ActivationKind::kGeluTanh},
    {"gelu_pytorch_tanh", ActivationKind::kGeluTanh},
    {"silu", ActivationKind::kSilu},
    {"swish", ActivationKind::kSilu},
}};

}  // namespace

ActivationKind ReadActivation(ConfigReader& config, const std::string& key, const std::string& name) {
  for (const auto& [known, kind] : kActivations) {
    if (name == known) return kind;
  }
  std::string names;
  for (const auto& [known, kind] : kActivations) absl::StrAppend(&names, names.empty() ? "" : ", ", known);
  config.Unsupported(absl::StrCat(key, " \"", name, "\" is not supported; supported: ", names));
  return ActivationKind::kRelu;
}

void ReadLlamaSizes(ConfigReader& config, DecoderSpec* spec) {
  spec->vocabulary = config.Size("vocab_size", kMaxVocabulary);
  spec->width = config.Size("hidden_size", kMaxWidth);
  spec->mlp_width = config.Size("intermediate_size", kMaxWidth);
  spec->layers = config.Size("num_hidden_layers", kMaxLayers);
}

void CheckHeads(ConfigReader& config, const DecoderSpec& spec) {
  // After a fault one of the two may be a stand-in.
  if (!config.status().ok() || spec.heads % spec.kv_heads == 0) return;
  config.Invalid(absl::StrCat("num_attention_heads must be a multiple of num_key_value_heads, found ", spec.heads,
                              " and ", spec.kv_heads));
}

std::int64_t WidthPerHead(ConfigReader& config, std::int64_t width, std::int64_t heads) {
  if (width % heads == 0) return width / heads;
  // After a fault one of the two may be a stand-in.
  if (!config.status().ok()) return 1;
  config.Invalid(absl::StrCat("the width must be a multiple of the number of heads where head_dim is not given, found ",
                              width, " and ", heads));
  return 1;
}

void SetWholeHeadRope(ConfigReader& config, DecoderSpec* spec) {
  // Until everything read so far made sense, head_dim may be a stand-in.
  if (!config.status().ok()) return;
  spec->position = PositionKind::kRotary;
  spec->ropes = {ReadRope(config, spec->head_dim, RopeDefaults{})};
  if (config.status().ok() && spec->ropes[0].dimensions != spec->head_dim) {
    config.Unsupported(absl::StrCat("partial_rotary_factor must be 1 for ", spec->family, ": ",
                                    spec->ropes[0].dimensions, " of ", spec->head_dim, " columns would be rotated"));
  }
  for (AttentionSpec& attention : spec->attention) attention.rope = 0;
}

}  // namespace headscope::worker
