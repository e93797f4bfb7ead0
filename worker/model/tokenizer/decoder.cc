#include "worker/model/tokenizer/decoder.h"

#include "worker/model/tokenizer/byte_level_decoder.h"

namespace headscope::worker::tokenization {

absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadDecoder(const Json& tokenizer) {
  const Json* component = FindField(tokenizer, "decoder");
  if (component == nullptr) return Unsupported("decoder", "null");
  const auto type = RequireString(*component, "type", "decoder");
  if (!type.ok()) return type.status();
  if (*type != "ByteLevel") return Unsupported("decoder", ComponentName(component));
  return std::make_unique<const ByteLevelDecoder>();
}

}  // namespace headscope::worker::tokenization
