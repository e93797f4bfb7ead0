#include "worker/model/tokenizer/legacy_added_tokens.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {
namespace {

constexpr char kConfigFile[] = "tokenizer_config.json";

// By id, in order.
using TokensById = std::map<std::int32_t, Json>;

// A token that is given as a string or as an object with content and flags.
absl::StatusOr<Json> ReadToken(const Json& value, const std::string& where, bool special) {
  Json token = value.is_object() ? value : Json{{"content", value}, {"normalized", false}};
  const auto content = RequireString(token, "content", where);
  if (!content.ok()) return content.status();
  if (special) token["special"] = true;
  return token;
}

const std::string& ContentOf(const Json& token) { return token["content"].get_ref<const std::string&>(); }

absl::StatusOr<TokensById> ReadDecoder(const Json& decoder) {
  TokensById tokens;
  for (const auto& [key, value] : decoder.items()) {
    const std::string where = absl::StrCat(kConfigFile, ": added_tokens_decoder[", Quoted(key), "]");
    std::int64_t number = 0;
    if (!absl::SimpleAtoi(key, &number)) return Malformed(where, "is no token id");
    const auto id = ReadTokenId(number, where);
    if (!id.ok()) return id.status();
    auto token = ReadToken(value, where, /*special=*/false);
    if (!token.ok()) return token.status();
    tokens[*id] = *std::move(token);
  }
  return tokens;
}

absl::StatusOr<TokensById> ReadAddedFile(const FileReader& read) {
  constexpr char kFile[] = "added_tokens.json";
  const auto object = ReadOptionalObject(read, kFile);
  if (!object.ok()) return object.status();
  TokensById tokens;
  for (const auto& [content, value] : object->items()) {
    const auto id = ReadTokenId(value, absl::StrCat(kFile, "[", Quoted(content), "]"));
    if (!id.ok()) return id.status();
    tokens[*id] = Json{{"content", content}};
  }
  return tokens;
}

absl::StatusOr<TokensById> ReadById(const FileReader& read, const Json& config) {
  if (FindField(config, "added_tokens_decoder") == nullptr) return ReadAddedFile(read);
  const auto decoder = RequireObject(config, "added_tokens_decoder", kConfigFile);
  if (!decoder.ok()) return decoder.status();
  return ReadDecoder(**decoder);
}

}  // namespace

absl::StatusOr<Json> ReadOptionalObject(const FileReader& read, const std::string& name) {
  const auto text = read(name);
  if (absl::IsNotFound(text.status())) return Json::object();
  if (!text.ok()) return text.status();
  auto object = ParseObject(*text);
  if (!object.ok()) return absl::Status(object.status().code(), absl::StrCat(name, ": ", object.status().message()));
  return object;
}

absl::StatusOr<SpecialTokens> ReadSpecialTokens(const FileReader& read, const Json& config) {
  const auto map = ReadOptionalObject(read, "special_tokens_map.json");
  if (!map.ok()) return map.status();
  Json roles = {{"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}};
  roles.update(*map);
  roles.update(config);
  std::vector<std::pair<std::string, Json>> values;
  for (const char* role :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
    if (const Json* value = FindField(roles, role); value != nullptr) values.emplace_back(role, *value);
  }
  if (const Json* more = FindField(roles, "additional_special_tokens"); more != nullptr && more->is_array()) {
    for (const Json& value : *more) values.emplace_back("additional_special_tokens", value);
  }
  SpecialTokens special;
  absl::flat_hash_set<std::string> contents;
  for (const auto& [role, value] : values) {
    auto token = ReadToken(value, absl::StrCat(kConfigFile, ": ", role), /*special=*/true);
    if (!token.ok()) return token.status();
    if (role == "bos_token") special.beginning = ContentOf(*token);
    if (contents.insert(ContentOf(*token)).second) special.tokens.push_back(*std::move(token));
  }
  return special;
}

absl::StatusOr<Json> ReadAddedTokens(const FileReader& read, const Json& config, const SpecialTokens& special,
                                     const Json& vocab) {
  const auto by_id = ReadById(read, config);
  if (!by_id.ok()) return by_id.status();
  absl::flat_hash_set<std::string> special_contents;
  for (const Json& token : special.tokens) special_contents.insert(ContentOf(token));
  std::vector<Json> tokens;
  absl::flat_hash_set<std::string> contents;
  auto next_id = static_cast<std::int64_t>(vocab.size());
  for (const auto& [id, token] : *by_id) {
    tokens.push_back(token);
    tokens.back()["id"] = id;
    if (special_contents.contains(ContentOf(token))) tokens.back()["special"] = true;
    contents.insert(ContentOf(token));
    next_id = std::max(next_id, std::int64_t{id} + 1);
  }
  for (const Json& token : special.tokens) {
    if (contents.contains(ContentOf(token))) continue;
    const auto known = vocab.find(ContentOf(token));
    tokens.push_back(token);
    tokens.back()["id"] = known != vocab.end() ? *known : Json(next_id++);
  }
  return Json(std::move(tokens));
}

}  // namespace headscope::worker::tokenization
