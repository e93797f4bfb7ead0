#include "client/cli/npy.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace headscope::cli {

static_assert(std::endian::native == std::endian::little, "'<f8' is little-endian");

std::string NpyBytes(const std::vector<std::size_t>& shape, const std::vector<double>& values) {
  // A shape of one axis needs its comma: (3,).
  std::string header = absl::StrCat("{'descr': '<f8', 'fortran_order': False, 'shape': (", absl::StrJoin(shape, ", "),
                                    shape.size() == 1 ? "," : "", "), }");
  constexpr std::size_t kPreamble = 10;
  constexpr std::size_t kAlignment = 64;
  const std::size_t end = kPreamble + header.size() + 1;
  header.append((kAlignment - end % kAlignment) % kAlignment, ' ').append("\n");
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  return bytes;
}

}  // namespace headscope::cli
