// Text that a message may carry.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headscope::worker {

// `text` cut to `max_bytes` between characters; bytes that are not UTF-8, which a message must not hold, become '?'.
std::string WireText(std::string_view text, std::size_t max_bytes);

}  // namespace headscope::worker
