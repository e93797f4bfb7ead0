// Lists that come in pages.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::client {

// Pages until the last one or until `limit` items (0: all). `page` asks for the page of a token and fills `items` from
// it; it returns the next token.
template <typename Item>
absl::StatusOr<std::vector<Item>> AllPages(
    const std::function<absl::StatusOr<std::string>(const std::string& token, std::vector<Item>& items)>& page,
    std::size_t limit = 0) {
  std::vector<Item> items;
  std::string token;
  do {
    auto next = page(token, items);
    if (!next.ok()) return next.status();
    token = *std::move(next);
  } while (!token.empty() && (limit == 0 || items.size() < limit));
  if (limit != 0 && items.size() > limit) items.resize(limit);
  return items;
}

}  // namespace headscope::client
