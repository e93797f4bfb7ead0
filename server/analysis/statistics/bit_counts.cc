#include "server/analysis/statistics/bit_counts.h"

#include <bit>

namespace headscope::server {
namespace {

#define HEADSCOPE_INLINE inline __attribute__((always_inline))

HEADSCOPE_INLINE std::uint64_t Bits(std::uint64_t word) { return static_cast<std::uint64_t>(std::popcount(word)); }

HEADSCOPE_INLINE void Different(const std::uint64_t* row, const std::uint64_t* columns, std::size_t words,
                                std::uint64_t* counts) {
  std::uint64_t first = 0, second = 0, third = 0, fourth = 0;
  for (std::size_t i = 0; i < words; ++i) {
    first += Bits(row[i] ^ columns[i]);
    second += Bits(row[i] ^ columns[words + i]);
    third += Bits(row[i] ^ columns[2 * words + i]);
    fourth += Bits(row[i] ^ columns[3 * words + i]);
  }
  counts[0] += first;
  counts[1] += second;
  counts[2] += third;
  counts[3] += fourth;
}

HEADSCOPE_INLINE MaskedCounts Masked(MaskedBits left, MaskedBits right, std::size_t words) {
  std::uint64_t different = 0, masked_in_both = 0;
  for (std::size_t i = 0; i < words; ++i) {
    different += Bits((left.bits[i] ^ right.bits[i]) & ~(left.masked[i] | right.masked[i]));
    masked_in_both += Bits(left.masked[i] & right.masked[i]);
  }
  return {different, masked_in_both};
}

// The same code for one kind of processor.
#define HEADSCOPE_BIT_COUNTS(Kind, name, attributes)                                                         \
  attributes void Different##Kind(const std::uint64_t* row, const std::uint64_t* columns, std::size_t words, \
                                  std::uint64_t* counts) {                                                   \
    Different(row, columns, words, counts);                                                                  \
  }                                                                                                          \
  attributes MaskedCounts Masked##Kind(MaskedBits left, MaskedBits right, std::size_t words) {               \
    return Masked(left, right, words);                                                                       \
  }                                                                                                          \
  constexpr BitCounts k##Kind = {name, Different##Kind, Masked##Kind}

HEADSCOPE_BIT_COUNTS(Plain, "plain", );
#if defined(__x86_64__)
HEADSCOPE_BIT_COUNTS(ByWord, "popcnt", __attribute__((target("popcnt"))));
HEADSCOPE_BIT_COUNTS(ByVector, "avx512vpopcntdq", __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq"))));
#endif

}  // namespace

std::vector<BitCounts> RunnableBitCounts() {
  std::vector<BitCounts> runnable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool by_vector = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq");
  if (by_vector) runnable.push_back(kByVector);
  if (__builtin_cpu_supports("popcnt")) runnable.push_back(kByWord);
#endif
  runnable.push_back(kPlain);
  return runnable;
}

const BitCounts& FastestBitCounts() {
  static const BitCounts fastest = RunnableBitCounts().front();
  return fastest;
}

}  // namespace headscope::server
