// One matrix product, for measurements.
#pragma once

#include <cstdint>

namespace headscope::worker {

// A [rows, inner] B [inner, columns].
struct ProductShape {
  std::int64_t rows = 0;
  std::int64_t inner = 0;
  std::int64_t columns = 0;

  double flops() const {
    return 2.0 * static_cast<double>(rows) * static_cast<double>(inner) * static_cast<double>(columns);
  }
};

}  // namespace headscope::worker
