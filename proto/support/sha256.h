// SHA-256, the digest of everything that is content-addressed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace headscope {

// Incremental hash. Thread-compatible.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::string_view bytes);
  // Little-endian, as in every canonical encoding of this project.
  void UpdateU32(std::uint32_t value);
  void UpdateU64(std::uint64_t value);
  void UpdateF64(double value);
  // Length first (u32), so that neighbouring strings cannot run together.
  void UpdateString(std::string_view text);
  // The 32 raw bytes. Ends the hash.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 32 raw bytes.
std::string Sha256Of(std::string_view bytes);
// Lower-case hex of raw bytes.
std::string ToHex(std::string_view bytes);
// Raw bytes of 64 hex digits; empty when `hex` is not that.
std::string DigestFromHex(std::string_view hex);

}  // namespace headscope
