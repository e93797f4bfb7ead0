#include "server/analysis/statistics/bit_counts.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace headscope::server {
namespace {

std::vector<std::uint64_t> Words(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> words(count);
  for (std::uint64_t& word : words) word = random();
  return words;
}

bool Bit(const std::vector<std::uint64_t>& words, std::size_t i) { return words[i / 64] >> (i % 64) & 1; }

TEST(BitCountsTest, AreThoseOfTheBitsOneByOneAtEveryLength) {
  for (const std::size_t words : {0, 1, 7, 8, 9, 64, 131}) {
    const std::vector<std::uint64_t> row = Words(words, 1), columns = Words(kBitColumns * words, 2);
    for (const BitCounts& bits : RunnableBitCounts()) {
      std::uint64_t counts[kBitColumns] = {1, 2, 3, 4};
      bits.different(row.data(), columns.data(), words, counts);
      for (std::size_t column = 0; column < kBitColumns; ++column) {
        std::uint64_t expected = column + 1;
        for (std::size_t i = 0; i < 64 * words; ++i) expected += Bit(row, i) != Bit(columns, 64 * words * column + i);
        EXPECT_EQ(counts[column], expected) << bits.name << ", " << words << " words, column " << column;
      }
    }
  }
}

TEST(BitCountsTest, LeaveOutWhatIsMasked) {
  for (const std::size_t words : {0, 1, 7, 8, 9, 64, 131}) {
    const std::vector<std::uint64_t> left = Words(words, 1), right = Words(words, 2);
    const std::vector<std::uint64_t> left_mask = Words(words, 3), right_mask = Words(words, 4);
    MaskedCounts expected;
    for (std::size_t i = 0; i < 64 * words; ++i) {
      expected.different += Bit(left, i) != Bit(right, i) && !Bit(left_mask, i) && !Bit(right_mask, i);
      expected.masked_in_both += Bit(left_mask, i) && Bit(right_mask, i);
    }
    for (const BitCounts& bits : RunnableBitCounts()) {
      const MaskedCounts counts =
          bits.masked({left.data(), left_mask.data()}, {right.data(), right_mask.data()}, words);
      EXPECT_EQ(counts.different, expected.different) << bits.name << ", " << words << " words";
      EXPECT_EQ(counts.masked_in_both, expected.masked_in_both) << bits.name << ", " << words << " words";
    }
  }
}

}  // namespace
}  // namespace headscope::server
