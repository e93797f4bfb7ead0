#include "client/cli/npy.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace headscope::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "'<f8' is little-endian");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kMaxHeaderBytes = 1 << 16;
constexpr std::size_t kMaxAxes = 32;

// The text behind "'key':" in the header, a Python dictionary; empty when it is not there.
std::string_view ValueOf(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = absl::StrCat(std::string(1, quote), std::string(key), std::string(1, quote));
    const std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    const std::size_t colon = header.find(':', at + quoted.size());
    if (colon == std::string_view::npos) return {};
    const std::size_t first = header.find_first_not_of(" \t", colon + 1);
    return first == std::string_view::npos ? std::string_view() : header.substr(first);
  }
  return {};
}

// "(2, 3)" and "(3,)".
std::optional<std::vector<std::size_t>> ParseShape(std::string_view text) {
  const std::size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos) return std::nullopt;
  std::vector<std::size_t> shape;
  for (const absl::string_view part : absl::StrSplit(absl::string_view(text.data() + 1, end - 1), ',')) {
    const absl::string_view digits = absl::StripAsciiWhitespace(part);
    if (digits.empty()) continue;
    std::size_t extent = 0;
    if (!absl::SimpleAtoi(digits, &extent) || shape.size() == kMaxAxes) return std::nullopt;
    shape.push_back(extent);
  }
  return shape;
}

// Nothing when it overflows.
std::optional<std::uint64_t> Product(const std::vector<std::size_t>& shape) {
  std::uint64_t product = 1;
  for (const std::size_t extent : shape) {
    if (__builtin_mul_overflow(product, std::uint64_t{extent}, &product)) return std::nullopt;
  }
  return product;
}

}  // namespace

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

absl::StatusOr<NpyReader> NpyReader::Open(const std::string& path) {
  NpyReader reader(path);
  errno = 0;
  reader.file_.open(path, std::ios::binary);
  if (!reader.file_) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  if (absl::Status status = reader.ReadHeader(); !status.ok()) return status;
  return reader;
}

std::uint64_t NpyReader::size() const { return *Product(shape_); }

absl::Status NpyReader::Fault(const std::string& what) const {
  return absl::InvalidArgumentError(absl::StrCat(path_, ": ", what));
}

absl::Status NpyReader::ReadHeader() {
  char preamble[12] = {};
  file_.read(preamble, 10);
  if (!file_ || std::string_view(preamble, kMagic.size()) != kMagic) return Fault("is no .npy file");
  const int version = preamble[6];
  if (version < 1 || version > 3) return Fault(absl::StrCat("is of .npy version ", version, ", 1 to 3 are read"));
  const auto byte = [&preamble](int i) { return static_cast<std::size_t>(static_cast<unsigned char>(preamble[i])); };
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) {
    file_.read(preamble + 10, 2);
    length |= byte(10) << 16 | byte(11) << 24;
  }
  if (!file_ || length > kMaxHeaderBytes) return Fault("has a damaged .npy header");
  std::string header(length, '\0');
  file_.read(header.data(), static_cast<std::streamsize>(length));
  if (!file_) return Fault("ends within its .npy header");
  if (absl::Status status = ParseHeader(header); !status.ok()) return status;
  return CheckSize((version > 1 ? 12 : 10) + length);
}

absl::Status NpyReader::ParseHeader(const std::string& header) {
  const std::string_view type = ValueOf(header, "descr");
  const std::string found(type.substr(0, type.find_first_of(",}")));
  if (found == "'<f4'") width_ = sizeof(float);
  if (found == "'<f8'") width_ = sizeof(double);
  if (width_ == 0) {
    return Fault(absl::StrCat("holds values of type ", found,
                              ", '<f4' or '<f8' is needed; convert it with "
                              "numpy.save(path, array.astype('<f8'))"));
  }
  if (!ValueOf(header, "fortran_order").starts_with("False")) {
    return Fault("is in Fortran order; save it with numpy.save(path, numpy.ascontiguousarray(array))");
  }
  std::optional<std::vector<std::size_t>> shape = ParseShape(ValueOf(header, "shape"));
  if (!shape) return Fault("has a damaged .npy header");
  shape_ = *std::move(shape);
  return absl::OkStatus();
}

absl::Status NpyReader::CheckSize(std::uint64_t data_begin) {
  const std::optional<std::uint64_t> values = Product(shape_);
  if (!values || *values > std::numeric_limits<std::uint64_t>::max() / 16) return Fault("has a damaged .npy header");
  std::error_code error;
  // A pipe tells no size; what it lacks is found when it is read.
  if (!std::filesystem::is_regular_file(path_, error)) return absl::OkStatus();
  const std::uint64_t bytes = std::filesystem::file_size(path_, error);
  const std::uint64_t wanted = data_begin + *values * width_;
  if (error || bytes == wanted) return absl::OkStatus();
  return Fault(absl::StrCat("has ", bytes, " bytes, its shape (", absl::StrJoin(shape_, ", "), ") needs ", wanted));
}

template <typename Value>
absl::Status NpyReader::ReadValues(std::vector<Value>& values) {
  const auto read = [this](void* into, std::size_t count) {
    file_.read(static_cast<char*>(into), static_cast<std::streamsize>(count * width_));
    return file_ ? absl::OkStatus() : Fault("ends before its last value");
  };
  if (width_ == sizeof(Value)) return read(values.data(), values.size());
  const auto convert = [&](auto stored) {
    std::vector<decltype(stored)> raw(values.size());
    absl::Status status = read(raw.data(), raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) values[i] = static_cast<Value>(raw[i]);
    return status;
  };
  return width_ == sizeof(float) ? convert(float()) : convert(double());
}

absl::Status NpyReader::Read(std::vector<double>& values) { return ReadValues(values); }
absl::Status NpyReader::Read(std::vector<float>& values) { return ReadValues(values); }

}  // namespace headscope::cli
