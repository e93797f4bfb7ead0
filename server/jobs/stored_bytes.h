// Numbers and arrays in stored bytes: little-endian, one behind the other.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace headscope::server {

static_assert(std::endian::native == std::endian::little, "stored arrays are little-endian");

inline void AppendU32(std::uint32_t value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename T>
void AppendArray(const std::vector<T>& values, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Takes parts off the front of `bytes`; after the first part that is missing, everything is.
class ByteParser {
 public:
  explicit ByteParser(std::string_view bytes) : bytes_(bytes) {}

  std::string_view Take(std::uint64_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }

  std::uint32_t TakeU32() {
    std::uint32_t value = 0;
    const std::string_view part = Take(sizeof(value));
    if (ok_) std::memcpy(&value, part.data(), sizeof(value));
    return value;
  }

  // Memory is taken only when the bytes are there.
  template <typename T>
  std::vector<T> TakeArray(std::uint64_t count) {
    if (count > bytes_.size() / sizeof(T)) ok_ = false;
    const std::string_view part = Take(ok_ ? count * sizeof(T) : 0);
    std::vector<T> values(ok_ ? count : 0);
    if (!values.empty()) std::memcpy(values.data(), part.data(), part.size());
    return values;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace headscope::server
