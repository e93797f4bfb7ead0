// What the server knows about a method: the planes it stores.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headscope::server {

// Names of the planes of `method`, each [samples, layers, heads] float32, in name order; empty for an unknown method.
const std::vector<std::string>& PlanesOf(std::string_view method);

}  // namespace headscope::server
