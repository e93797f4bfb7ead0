// Readings of a config.json that several families share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "worker/model/config_reader.h"
#include "worker/model/decoder_spec.h"
#include "worker/model/rope.h"

namespace headscope::worker {

// The activation of that name; an unknown one is noted as unsupported, `key` naming its place.
ActivationKind ReadActivation(ConfigReader& config, const std::string& key, const std::string& name);

// The sizes whose keys llama and its descendants share: vocab_size, hidden_size, intermediate_size, num_hidden_layers.
void ReadLlamaSizes(ConfigReader& config, DecoderSpec* spec);

// Whether spec's heads are a multiple of its kv heads; notes it otherwise, unless something was wrong before: then the
// numbers may be none of the file's.
void CheckHeads(ConfigReader& config, const DecoderSpec& spec);

// num_attention_heads and num_key_value_heads, checked. The latter is `kv_heads` where it is absent, and as many as
// there are heads where it is null or both are.
void ReadGroupedHeads(ConfigReader& config, std::optional<std::int64_t> kv_heads, DecoderSpec* spec);

// width / heads where they divide, noting it otherwise as CheckHeads does. For families whose heads have no other size:
// a head_dim that says so is noted as unsupported.
std::int64_t WidthPerHead(ConfigReader& config, std::int64_t width, std::int64_t heads);

// head_dim, or width / heads where it is absent or null.
std::int64_t ReadHeadDim(ConfigReader& config, std::int64_t width, std::int64_t heads);

// The same attention for every layer, scores scaled by 1 / sqrt(head_dim).
void SetPlainAttention(DecoderSpec* spec);

// The rope that every layer of spec->attention has. spec->positions, the file's, may grow: see RopeReading.
void SetRope(ConfigReader& config, const RopeDefaults& defaults, DecoderSpec* spec);

// The same for a family that rotates whole heads.
void SetWholeHeadRope(ConfigReader& config, DecoderSpec* spec);

}  // namespace headscope::worker
