#include "proto/support/sha256.h"

#include <openssl/evp.h>

#include <bit>

#include "absl/strings/escaping.h"

namespace headscope {

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~State() { EVP_MD_CTX_free(context); }
  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::string_view bytes) { EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()); }

void Sha256::UpdateU32(std::uint32_t value) {
  char bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  Update({bytes, sizeof bytes});
}

void Sha256::UpdateU64(std::uint64_t value) {
  UpdateU32(static_cast<std::uint32_t>(value));
  UpdateU32(static_cast<std::uint32_t>(value >> 32));
}

void Sha256::UpdateF64(double value) { UpdateU64(std::bit_cast<std::uint64_t>(value)); }

void Sha256::UpdateString(std::string_view text) {
  UpdateU32(static_cast<std::uint32_t>(text.size()));
  Update(text);
}

std::string Sha256::Finish() {
  std::string digest(32, '\0');
  EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string Sha256Of(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

std::string ToHex(std::string_view bytes) { return absl::BytesToHexString({bytes.data(), bytes.size()}); }

std::string DigestFromHex(std::string_view hex) {
  if (hex.size() != 64) return "";
  for (const char c : hex) {
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) return "";
  }
  return absl::HexStringToBytes({hex.data(), hex.size()});
}

}  // namespace headscope
