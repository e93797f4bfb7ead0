#include "client/report/html.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/support/utf8.h"

namespace headscope::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// One valid character of the text.
void AppendEscaped(std::string& markup, char character) {
  switch (character) {
    case '&':
      markup += "&amp;";
      return;
    case '<':
      markup += "&lt;";
      return;
    case '>':
      markup += "&gt;";
      return;
    case '"':
      markup += "&quot;";
      return;
    case '\'':
      markup += "&#39;";
      return;
  }
  const auto byte = static_cast<unsigned char>(character);
  const bool is_control = (byte < 0x20 && character != '\n' && character != '\t') || byte == 0x7F;
  if (is_control) {
    markup += kReplacement;
  } else {
    markup += character;
  }
}

bool StartsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::string RowMarkup(const std::vector<std::string>& row) {
  std::string markup = "<tr>";
  for (std::size_t column = 0; column < row.size(); ++column) {
    absl::StrAppend(&markup, column == 0 ? "<th scope=\"row\">" : "<td>", row[column]);
  }
  return markup + "\n";
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string markup;
  while (!text.empty()) {
    const std::size_t valid = ValidUtf8Prefix(text);
    for (const char character : text.substr(0, valid)) AppendEscaped(markup, character);
    text.remove_prefix(valid);
    if (text.empty()) break;
    markup += kReplacement;
    text.remove_prefix(1);
  }
  return markup;
}

std::string Shorten(const std::string& text, std::size_t characters) {
  if (static_cast<std::size_t>(std::ranges::count_if(text, StartsCharacter)) <= characters) return text;
  std::string kept;
  std::size_t count = 0;
  for (const char byte : text) {
    if (StartsCharacter(byte) && ++count == characters) break;
    kept += byte;
  }
  return kept + "…";
}

std::string TableMarkup(const Table& table) {
  std::string markup = absl::StrCat("<table><caption>", Escape(table.caption), "</caption>\n<thead><tr>");
  for (const std::string& heading : table.header) absl::StrAppend(&markup, "<th scope=\"col\">", heading);
  absl::StrAppend(&markup, "</thead>\n<tbody>\n");
  for (const auto& row : table.rows) absl::StrAppend(&markup, RowMarkup(row));
  return markup + "</tbody></table>\n";
}

std::string ScrollBox(const std::string& label, const std::string& markup) {
  return absl::StrCat("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", Escape(label), "\">\n",
                      markup, "</div>\n");
}

std::string Details(const std::string& summary, const std::string& markup) {
  return absl::StrCat("<details><summary>", Escape(summary), "</summary>\n", markup, "</details>\n");
}

}  // namespace headscope::report
