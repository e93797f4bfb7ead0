#include "worker/model/families/common.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

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

void ReadGroupedHeads(ConfigReader& config, std::optional<std::int64_t> kv_heads, DecoderSpec* spec) {
  spec->heads = config.Size("num_attention_heads", kMaxHeads);
  spec->kv_heads = config.OptionalSize("num_key_value_heads", kMaxHeads, kv_heads).value_or(spec->heads);
  CheckHeads(config, *spec);
}

std::int64_t WidthPerHead(ConfigReader& config, std::int64_t width, std::int64_t heads) {
  if (config.HasValue("head_dim") && config.raw()["head_dim"] != width / heads) {
    config.Unsupported(absl::StrCat("head_dim must be the width divided by the number of heads for this family, found ",
                                    config.raw()["head_dim"].dump(), " with ", width, " and ", heads));
  }
  if (width % heads == 0) return width / heads;
  // After a fault one of the two may be a stand-in.
  if (!config.status().ok()) return 1;
  config.Invalid(absl::StrCat("the width must be a multiple of the number of heads where head_dim is not given, found ",
                              width, " and ", heads));
  return 1;
}

std::int64_t ReadHeadDim(ConfigReader& config, std::int64_t width, std::int64_t heads) {
  if (!config.HasValue("head_dim")) return WidthPerHead(config, width, heads);
  return config.Size("head_dim", kMaxHeadDim);
}

void SetPlainAttention(DecoderSpec* spec) {
  AttentionSpec attention;
  attention.scale = 1.0 / std::sqrt(static_cast<double>(spec->head_dim));
  spec->attention.assign(spec->layers, attention);
}

void SetRope(ConfigReader& config, const RopeDefaults& defaults, DecoderSpec* spec) {
  // Until everything read so far made sense, head_dim may be a stand-in.
  if (!config.status().ok()) return;
  RopeReading reading = ReadRope(config, spec->head_dim, spec->positions, defaults);
  spec->position = PositionKind::kRotary;
  spec->positions = reading.positions;
  spec->ropes = {std::move(reading.rope)};
  for (AttentionSpec& attention : spec->attention) attention.rope = 0;
}

void SetWholeHeadRope(ConfigReader& config, DecoderSpec* spec) {
  SetRope(config, RopeDefaults{}, spec);
  if (!config.status().ok() || spec->ropes[0].dimensions == spec->head_dim) return;
  config.Unsupported(absl::StrCat("partial_rotary_factor must be 1 for ", spec->family, ": ", spec->ropes[0].dimensions,
                                  " of ", spec->head_dim, " columns would be rotated"));
}

}  // namespace headscope::worker
