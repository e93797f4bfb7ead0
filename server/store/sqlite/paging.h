// Lists in pages: every item has a number, and a page goes on after the last one given out.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/page_token.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

// What is listed.
struct List {
  // What is listed and filtered, completely: page tokens are bound to it.
  std::string question;
  // Before the first item; lists that begin with the newest count down.
  std::int64_t start = std::numeric_limits<std::int64_t>::max();
};

// `select(after, limit)` queries at most `limit` rows behind number `after`, in the list's order; `read(rows)` makes
// the item of a row, or an error; `number` is what the rows are ordered by. INVALID_ARGUMENT / BAD_PAGE_TOKEN.
template <typename Item, typename Number, typename Select, typename Read>
absl::StatusOr<Page<Item>> ReadPage(const List& list, const PageRequest& page, Number Item::*number,
                                    const Select& select, const Read& read) {
  const absl::StatusOr<std::int64_t> after = ReadPageToken(list.question, page.token, list.start);
  if (!after.ok()) return after.status();
  const std::uint32_t size = EffectivePageSize(page.size);
  Page<Item> answer;
  Rows rows = select(*after, size + 1);
  while (rows.Next()) {
    if (answer.items.size() == size) {
      answer.next_token = MakePageToken(list.question, answer.items.back().*number);
      break;
    }
    absl::StatusOr<Item> item = read(rows);
    if (!item.ok()) return item.status();
    answer.items.push_back(*std::move(item));
  }
  return answer;
}

}  // namespace headscope::server::sqlite
