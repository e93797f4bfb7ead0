// What no family supports: keys that change a model's arithmetic in ways the decoder does not have.
#pragma once

#include <string>

#include "worker/model/config_reader.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// Notes each as unsupported, by its name, whatever the model type.
void RefuseUnsupported(ConfigReader& config, const std::string& model_type);

// Notes keys of some families that `config` has and that its own family, which made `spec` of it, does not read.
void RefuseLeftOut(ConfigReader& config, const DecoderSpec& spec);

}  // namespace headscope::worker
