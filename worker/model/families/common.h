// Readings of a config.json that several families share.
#pragma once

#include <cstdint>
#include <string>

#include "worker/model/config_reader.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// The activation of that name; an unknown one is noted as unsupported, `key` naming its place.
ActivationKind ReadActivation(ConfigReader& config, const std::string& key, const std::string& name);

// The sizes whose keys llama and its descendants share: vocab_size, hidden_size, intermediate_size, num_hidden_layers.
void ReadLlamaSizes(ConfigReader& config, DecoderSpec* spec);

// Whether spec's heads are a multiple of its kv heads; notes it otherwise, unless something was wrong before: then the
// numbers may be none of the file's.
void CheckHeads(ConfigReader& config, const DecoderSpec& spec);

// width / heads where they divide, noting it otherwise as CheckHeads does.
std::int64_t WidthPerHead(ConfigReader& config, std::int64_t width, std::int64_t heads);

// The rope of a family that rotates whole heads, given to every layer of spec->attention.
void SetWholeHeadRope(ConfigReader& config, DecoderSpec* spec);

}  // namespace headscope::worker
