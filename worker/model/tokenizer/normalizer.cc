#include "worker/model/tokenizer/normalizer.h"

namespace headscope::worker::tokenization {

absl::Status CheckNormalizer(const Json& tokenizer) {
  const Json* normalizer = FindField(tokenizer, "normalizer");
  if (normalizer == nullptr) return absl::OkStatus();
  return Unsupported("normalizer", ComponentName(normalizer));
}

}  // namespace headscope::worker::tokenization
