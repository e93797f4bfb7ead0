#include "worker/link/wire_text.h"

#include "proto/support/utf8.h"

namespace headscope::worker {

std::string WireText(std::string_view text, std::size_t max_bytes) {
  std::string result;
  while (!text.empty()) {
    const std::size_t room = max_bytes - result.size();
    const std::size_t valid = ValidUtf8Prefix(text.substr(0, room));
    result.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty() || result.size() == max_bytes) break;
    // What follows is either no character at all or one that does not fit.
    if (ValidUtf8Prefix(text.substr(0, 4)) > 0) break;
    result.push_back('?');
    text.remove_prefix(1);
  }
  return result;
}

}  // namespace headscope::worker
