// HTML from plain text, and the blocks that all sections share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headscope::report {

// Text as it may stand between tags and inside quoted attributes. Control characters and bytes that are not UTF-8
// become U+FFFD.
std::string Escape(std::string_view text);
// At most `characters` of the text, the last one an ellipsis where some were left out. Not escaped.
std::string Shorten(const std::string& text, std::size_t characters);

// Cells are markup, labels and captions plain text.
struct Table {
  std::string caption;
  std::vector<std::string> header;
  // The first cell of a row is its heading.
  std::vector<std::vector<std::string>> rows;
};
std::string TableMarkup(const Table& table);

// A box that scrolls by itself and can be reached by keyboard; `label` says what is in it.
std::string ScrollBox(const std::string& label, const std::string& markup);
// Closed until the reader opens it.
std::string Details(const std::string& summary, const std::string& markup);

}  // namespace headscope::report
