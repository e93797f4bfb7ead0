// Counting bits, by what the processor at hand can do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headscope::server {

// Columns that BitCounts::different takes at once.
inline constexpr std::size_t kBitColumns = 4;

// Bits and those of them that do not count, because they are set in `masked`.
struct MaskedBits {
  const std::uint64_t* bits = nullptr;
  const std::uint64_t* masked = nullptr;
};

struct MaskedCounts {
  // That differ and are masked in neither.
  std::uint64_t different = 0;
  std::uint64_t masked_in_both = 0;
};

// The same functions for one kind of processor.
struct BitCounts {
  const char* name;
  // counts[c] += bits that differ between `row` and the column at columns + c * words; all have `words` words.
  void (*different)(const std::uint64_t* row, const std::uint64_t* columns, std::size_t words,
                    std::uint64_t counts[kBitColumns]);
  MaskedCounts (*masked)(MaskedBits left, MaskedBits right, std::size_t words);
};

// What this processor can run, the fastest first.
std::vector<BitCounts> RunnableBitCounts();
const BitCounts& FastestBitCounts();

}  // namespace headscope::server
