// Randomness and ids as arguments, so that tests can repeat them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace headscope {

// Thread-safe.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual std::uint64_t Next() = 0;
};

// Seeded by the system; never the same twice.
std::unique_ptr<RandomSource> MakeSystemRandom();

// `prefix` and 16 characters of Crockford's base 32 in lower case (80 random bits): "j-0h3k...".
std::string MakeId(const std::string& prefix, RandomSource& random);

}  // namespace headscope
