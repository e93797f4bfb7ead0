// The order in which models are listed.
#pragma once

#include <string_view>

namespace headscope {

// Whether the model of path `left` is listed before that of `right`: step by step of the paths, in the order of their
// bytes, but steps "checkpoint-N" of one series in the order of their numbers. A total order.
bool ListedBefore(std::string_view left, std::string_view right);

// The same for ordered containers.
struct ListingOrder {
  bool operator()(std::string_view left, std::string_view right) const { return ListedBefore(left, right); }
};

}  // namespace headscope
