// What a tokenizer.json is made of, for people.
#pragma once

#include <string_view>

#include "worker/runtime/model_entry.h"

namespace headscope::worker {

// The types of the components that `json`, a tokenizer.json, names, whether they are supported or not. Empty members
// for what it does not name, and where it is malformed.
TokenizerComponents ReadTokenizerComponents(std::string_view json);

}  // namespace headscope::worker
