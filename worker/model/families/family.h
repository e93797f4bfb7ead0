// What a family file provides.
#pragma once

#include <string_view>

#include "worker/model/architecture.h"
#include "worker/model/config_reader.h"

namespace headscope::worker {

// Turns a config.json into a spec and a list of weight names. Faults are noted in `config`; its status decides whether
// the result is used, so a family need not stop at a fault as long as it divides by nothing it has not checked.
using FamilyFunction = Architecture (*)(ConfigReader& config);

Architecture MakeGemma(ConfigReader& config);
Architecture MakeGemma2(ConfigReader& config);
// Of the language model inside of `gemma3`, and of the language model alone.
Architecture MakeGemma3(ConfigReader& config);
Architecture MakeGemma3Text(ConfigReader& config);
Architecture MakeGpt2(ConfigReader& config);
Architecture MakeGptNeox(ConfigReader& config);
Architecture MakeLlama(ConfigReader& config);
Architecture MakeMistral(ConfigReader& config);
Architecture MakeOpt(ConfigReader& config);
Architecture MakePhi(ConfigReader& config);
Architecture MakePhi3(ConfigReader& config);
Architecture MakeQwen2(ConfigReader& config);
Architecture MakeQwen3(ConfigReader& config);

}  // namespace headscope::worker
