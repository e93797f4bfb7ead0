#include "worker/model/tokenizer/token_trie.h"

#include <algorithm>

namespace headscope::worker::tokenization {
namespace {

bool ByteLess(const std::pair<std::uint8_t, std::size_t>& child, std::uint8_t byte) { return child.first < byte; }

}  // namespace

void TokenTrie::Insert(std::string_view token, std::size_t value) {
  std::size_t node = 0;
  for (const char byte : token) {
    std::optional<std::size_t> child = FindChild(node, byte);
    if (!child.has_value()) {
      child = nodes_.size();
      nodes_.emplace_back();
      auto& children = nodes_[node].children;
      const auto key = static_cast<std::uint8_t>(byte);
      children.insert(std::lower_bound(children.begin(), children.end(), key, ByteLess), {key, *child});
    }
    node = *child;
  }
  if (!nodes_[node].value.has_value()) nodes_[node].value = value;
}

std::optional<TokenTrie::Match> TokenTrie::FindLongest(std::string_view text, std::size_t offset) const {
  std::optional<Match> longest;
  std::size_t node = 0;
  for (std::size_t end = offset; end < text.size(); ++end) {
    const std::optional<std::size_t> child = FindChild(node, text[end]);
    if (!child.has_value()) break;
    node = *child;
    if (nodes_[node].value.has_value()) longest = Match{.size = end + 1 - offset, .value = *nodes_[node].value};
  }
  return longest;
}

std::optional<std::size_t> TokenTrie::FindChild(std::size_t node, char byte) const {
  const auto& children = nodes_[node].children;
  const auto key = static_cast<std::uint8_t>(byte);
  const auto found = std::lower_bound(children.begin(), children.end(), key, ByteLess);
  if (found == children.end() || found->first != key) return std::nullopt;
  return found->second;
}

}  // namespace headscope::worker::tokenization
