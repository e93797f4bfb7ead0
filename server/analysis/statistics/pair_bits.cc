#include "server/analysis/statistics/pair_bits.h"

#include <array>
#include <bit>
#include <cstring>
#include <functional>

namespace headscope::server {
namespace {

// One bit for each of 64 neighbours: the relation of left[i] to right[i].
template <typename Relation>
std::uint64_t Compare(const std::uint16_t* left, const std::uint16_t* right, Relation relation) {
  std::array<std::uint8_t, 64> holds;
  for (std::size_t i = 0; i < holds.size(); ++i) holds[i] = relation(left[i], right[i]);
  // Eight bytes of 0 or 1 become the eight bits of one byte: the product moves byte i to bit 56 + i.
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < holds.size(); i += 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, &holds[i], sizeof(bytes));
    bits |= bytes * 0x0102040810204080 >> 56 << i;
  }
  return bits;
}

// The first `count` bits of a word; all, where there are more.
std::uint64_t FirstBits(std::size_t count) { return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1; }

}  // namespace

PairBits::PairBits(const std::vector<std::uint32_t>& rank) : entries_(rank.size()) {
  rank_.resize(64 * WordsOfGroup(entries_) + Groups(entries_));
  for (std::size_t i = 0; i < rank_.size(); ++i) rank_[i] = static_cast<std::uint16_t>(rank[i % entries_]);
}

template <typename Relation>
void PairBits::Write(std::size_t first, std::size_t groups, std::uint64_t* words, Relation relation) const {
  for (std::size_t group = first; group < first + groups; ++group) {
    const std::size_t pairs = 2 * group == entries_ ? group : entries_;
    for (std::size_t i = 0; i < entries_; i += 64) {
      const std::uint64_t bits = i < pairs ? FirstBits(pairs - i) : 0;
      *words++ = Compare(&rank_[i], &rank_[i + group], relation) & bits;
    }
  }
}

void PairBits::Greater(std::size_t first, std::size_t groups, std::uint64_t* words) const {
  Write(first, groups, words, std::greater<>());
}

void PairBits::Equal(std::size_t first, std::size_t groups, std::uint64_t* words) const {
  Write(first, groups, words, std::equal_to<>());
}

}  // namespace headscope::server
