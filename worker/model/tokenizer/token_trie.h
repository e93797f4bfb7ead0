// Finds which of a few strings begins at a place in a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace headscope::worker::tokenization {

// A byte trie. Immutable once filled: thread-safe.
class TokenTrie {
 public:
  struct Match {
    std::size_t size = 0;
    std::size_t value = 0;
  };

  // `token` is not empty; the first value of a token counts.
  void Insert(std::string_view token, std::size_t value);

  // The longest token that begins at `offset`.
  std::optional<Match> FindLongest(std::string_view text, std::size_t offset) const;

  bool empty() const { return nodes_.size() == 1; }

 private:
  struct Node {
    std::optional<std::size_t> value;
    // Ordered by byte.
    std::vector<std::pair<std::uint8_t, std::size_t>> children;
  };

  std::optional<std::size_t> FindChild(std::size_t node, char byte) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
};

}  // namespace headscope::worker::tokenization
