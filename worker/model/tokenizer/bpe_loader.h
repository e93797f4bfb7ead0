// The "model" section of tokenizer.json.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/bpe_model.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// Reads a BPE model. Errors: INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the model type or the option that
// is not supported.
absl::StatusOr<std::unique_ptr<const BpeModel>> LoadBpeModel(const Json& model);

}  // namespace headscope::worker::tokenization
