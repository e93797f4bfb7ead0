// NumPy's .npy format, version 1.0.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headscope::cli {

// '<f8', C order. The product of `shape` is the number of values.
std::string NpyBytes(const std::vector<std::size_t>& shape, const std::vector<double>& values);

}  // namespace headscope::cli
