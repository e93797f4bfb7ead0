#include <optional>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/legacy_added_tokens.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker {
namespace {

using tokenization::FindField;
using tokenization::Json;
using tokenization::Quoted;

// The string of tokenizer_config.json's eos_token, which is a string or an added token's object; empty for none.
absl::StatusOr<std::string> ReadToken(const Json& config) {
  constexpr char kWhere[] = "tokenizer_config.json: eos_token";
  const Json* token = FindField(config, "eos_token");
  if (token != nullptr && token->is_object()) return tokenization::RequireString(*token, "content", kWhere);
  return tokenization::OptionalString(config, "eos_token", "tokenizer_config.json");
}

// The id that `name` gives, the first of a list; nullopt for none.
absl::StatusOr<std::optional<std::int32_t>> ReadId(const FileReader& read, const std::string& name) {
  const auto config = tokenization::ReadOptionalObject(read, name);
  if (!config.ok()) return config.status();
  const Json* value = FindField(*config, "eos_token_id");
  if (value != nullptr && value->is_array()) value = value->empty() ? nullptr : &value->front();
  if (value == nullptr) return std::optional<std::int32_t>();
  const auto id = tokenization::ReadTokenId(*value, name + ": eos_token_id");
  if (!id.ok()) return id.status();
  return std::optional<std::int32_t>(*id);
}

}  // namespace

absl::StatusOr<std::int32_t> FindEndOfSequence(const FileReader& read, const Tokenizer& tokenizer) {
  const auto config = tokenization::ReadOptionalObject(read, "tokenizer_config.json");
  if (!config.ok()) return config.status();
  const auto token = ReadToken(*config);
  if (!token.ok()) return token.status();
  if (const auto id = tokenizer.TokenId(*token); id.has_value() && !token->empty()) return *id;
  for (const char* name : {"generation_config.json", "config.json"}) {
    const auto id = ReadId(read, name);
    if (!id.ok()) return id.status();
    if (id->has_value()) return **id;
  }
  std::string fault =
      "the model names no end-of-sequence token: neither eos_token in tokenizer_config.json nor "
      "eos_token_id in generation_config.json or config.json";
  if (!token->empty()) absl::StrAppend(&fault, " (eos_token ", Quoted(*token), " is unknown to the tokenizer)");
  return absl::FailedPreconditionError(absl::StrCat(fault, "; use --append-eos false to score rows without it"));
}

}  // namespace headscope::worker
