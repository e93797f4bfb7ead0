#include "proto/support/random_source.h"

#include <openssl/rand.h>

#include <random>

namespace headscope {
namespace {

class SystemRandom : public RandomSource {
 public:
  std::uint64_t Next() override {
    std::uint64_t value = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1) return value;
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }
};

}  // namespace

std::unique_ptr<RandomSource> MakeSystemRandom() { return std::make_unique<SystemRandom>(); }

std::string MakeId(const std::string& prefix, RandomSource& random) {
  // Crockford's alphabet: no i, l, o, u.
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string id = prefix;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = random.Next();
    for (int character = 0; character < 8; ++character, bits >>= 5) id += kAlphabet[bits & 31];
  }
  return id;
}

}  // namespace headscope
