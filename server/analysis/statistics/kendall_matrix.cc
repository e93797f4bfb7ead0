#include "server/analysis/statistics/kendall_matrix.h"

#include <algorithm>

#include "server/analysis/statistics/bit_counts.h"
#include "server/analysis/statistics/pair_bits.h"

namespace headscope::server {
namespace {

// With fewer patterns making the bits costs more than it saves.
constexpr std::size_t kFewPatterns = 16;
// Words of a pattern's bits that are done at a time, and patterns whose words then stay in the cache.
constexpr std::size_t kPartWords = 128;
constexpr std::size_t kTile = 16;
static_assert(kTile % kBitColumns == 0);

class EachWithEach {
 public:
  explicit EachWithEach(const std::vector<const KendallRanks*>& patterns)
      : patterns_(patterns), entries_(patterns.front()->rank.size()), counts_(patterns.size() * patterns.size()) {
    for (const KendallRanks* pattern : patterns) {
      pairs_.emplace_back(pattern->rank);
      any_tied_ = any_tied_ || pattern->tied_pairs > 0;
    }
  }

  absl::StatusOr<std::vector<PairCounts>> Count(const KeepOn& keep_on) && {
    const std::size_t words = PairBits::WordsOfGroup(entries_);
    const std::size_t most = std::max<std::size_t>(1, kPartWords / words);
    for (std::size_t group = 1; group <= PairBits::Groups(entries_); group += most) {
      if (absl::Status status = keep_on(); !status.ok()) return status;
      const std::size_t groups = std::min(most, PairBits::Groups(entries_) + 1 - group);
      words_ = groups * words;
      WriteBits(group, groups);
      for (std::size_t rows = 0; rows < patterns_.size(); rows += kTile) {
        for (std::size_t columns = rows; columns < patterns_.size(); columns += kTile) CountTile(rows, columns);
      }
    }
    return std::move(counts_);
  }

 private:
  void WriteBits(std::size_t group, std::size_t groups) {
    // Whole tiles: patterns that are not there have zeros.
    const std::size_t size = (patterns_.size() + kTile - 1) / kTile * kTile * words_;
    greater_.assign(size, 0);
    if (any_tied_) equal_.assign(size, 0);
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      pairs_[i].Greater(group, groups, &greater_[i * words_]);
      if (patterns_[i]->tied_pairs > 0) pairs_[i].Equal(group, groups, &equal_[i * words_]);
    }
  }

  void CountTile(std::size_t rows, std::size_t columns) {
    for (std::size_t row = rows; row < std::min(rows + kTile, patterns_.size()); ++row) {
      for (std::size_t column = columns; column < columns + kTile; column += kBitColumns) CountRow(row, column);
    }
  }

  // One row and kBitColumns columns.
  void CountRow(std::size_t row, std::size_t column) {
    const std::size_t begin = std::max(column, row + 1);
    const std::size_t end = std::min(column + kBitColumns, patterns_.size());
    // Below the diagonal, or behind the last pattern.
    if (begin >= end) return;
    const auto tied = [&](std::size_t pattern) { return patterns_[pattern]->tied_pairs > 0; };
    bool any_tied = tied(row);
    for (std::size_t i = begin; i < end; ++i) any_tied = any_tied || tied(i);
    if (any_tied) {
      for (std::size_t i = begin; i < end; ++i) CountTied(row, i);
      return;
    }
    std::uint64_t differ[kBitColumns] = {};
    bits_.different(&greater_[row * words_], &greater_[column * words_], words_, differ);
    for (std::size_t i = begin; i < end; ++i) counts_[row * patterns_.size() + i].discordant += differ[i - column];
  }

  void CountTied(std::size_t row, std::size_t column) {
    const MaskedBits left = {&greater_[row * words_], &equal_[row * words_]};
    const MaskedBits right = {&greater_[column * words_], &equal_[column * words_]};
    const MaskedCounts counted = bits_.masked(left, right, words_);
    PairCounts& counts = counts_[row * patterns_.size() + column];
    counts.discordant += counted.different;
    counts.tied_in_both += counted.masked_in_both;
  }

  const BitCounts& bits_ = FastestBitCounts();
  const std::vector<const KendallRanks*>& patterns_;
  std::size_t entries_;
  bool any_tied_ = false;
  std::vector<PairBits> pairs_;
  // [patterns, words_]: of the part of the pairs at hand.
  std::size_t words_ = 0;
  std::vector<std::uint64_t> greater_, equal_;
  std::vector<PairCounts> counts_;
};

absl::StatusOr<std::vector<PairCounts>> OneByOne(const std::vector<const KendallRanks*>& patterns,
                                                 const KeepOn& keep_on) {
  std::vector<PairCounts> counts(patterns.size() * patterns.size());
  for (std::size_t row = 0; row < patterns.size(); ++row) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    for (std::size_t column = row + 1; column < patterns.size(); ++column) {
      counts[row * patterns.size() + column] = CountPairs(*patterns[row], *patterns[column]);
    }
  }
  return counts;
}

}  // namespace

absl::StatusOr<std::vector<PairCounts>> CountPairsOfEach(const std::vector<const KendallRanks*>& patterns,
                                                         const KeepOn& keep_on) {
  const bool few = patterns.size() < kFewPatterns;
  if (few || patterns.front()->rank.size() > kMostEntriesOfPairBits) return OneByOne(patterns, keep_on);
  return EachWithEach(patterns).Count(keep_on);
}

}  // namespace headscope::server
