// Bits of pairs of a pattern's entries: which of the two is greater, and whether they are equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headscope::server {

// Patterns of more entries have too many pairs for bits to be worth it.
inline constexpr std::size_t kMostEntriesOfPairBits = 4096;

// The n (n - 1) / 2 pairs of n entries in groups: group k = 1 .. n / 2 holds the pairs (i, (i + k) mod n) of i = 0 ..
// n - 1, or of the first half of them where 2 k = n. A group is whole words of bits; bits without a pair are 0.
class PairBits {
 public:
  // `rank`: at most kMostEntriesOfPairBits numbers, each smaller than n.
  explicit PairBits(const std::vector<std::uint32_t>& rank);

  static std::size_t Groups(std::size_t entries) { return entries / 2; }
  static std::size_t WordsOfGroup(std::size_t entries) { return (entries + 63) / 64; }

  // Of `groups` groups from `first` on: whether rank[i] > rank[(i + k) mod n].
  void Greater(std::size_t first, std::size_t groups, std::uint64_t* words) const;
  // Whether they are equal.
  void Equal(std::size_t first, std::size_t groups, std::uint64_t* words) const;

 private:
  template <typename Relation>
  void Write(std::size_t first, std::size_t groups, std::uint64_t* words, Relation relation) const;

  std::size_t entries_;
  // Round and round again, so that a group's entries and their partners are one run each.
  std::vector<std::uint16_t> rank_;
};

}  // namespace headscope::server
