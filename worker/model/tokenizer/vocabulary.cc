#include "worker/model/tokenizer/vocabulary.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

absl::Status Vocabulary::Add(std::string_view token, std::int32_t id) {
  if (const std::string* owner = FindToken(id); owner != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("id ", id, " belongs to both ", Quoted(*owner), " and ", Quoted(token)));
  }
  const auto [entry, is_new] = ids_.try_emplace(std::string(token), id);
  if (!is_new) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(token), " has both id ", entry->second, " and id ", id));
  }
  tokens_.emplace(id, &entry->first);
  size_ = std::max(size_, id + 1);
  return absl::OkStatus();
}

std::optional<std::int32_t> Vocabulary::FindId(std::string_view token) const {
  const auto found = ids_.find(absl::string_view(token.data(), token.size()));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string* Vocabulary::FindToken(std::int32_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : found->second;
}

}  // namespace headscope::worker::tokenization
