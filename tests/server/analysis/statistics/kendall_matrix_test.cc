#include "server/analysis/statistics/kendall_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace headscope::server {
namespace {

absl::Status Go() { return absl::OkStatus(); }

// `tied` of 4 patterns have equal values, one of them only such.
std::vector<KendallRanks> Patterns(std::size_t patterns, std::size_t entries, std::size_t tied) {
  std::mt19937 random(5);
  std::vector<KendallRanks> made;
  for (std::size_t pattern = 0; pattern < patterns; ++pattern) {
    std::vector<double> values(entries);
    for (double& value : values) {
      value = std::generate_canonical<double, 53>(random);
      if (pattern % 4 < tied) value = pattern == 0 ? 1 : std::floor(value * 7);
    }
    made.push_back(RanksForKendall(values));
  }
  return made;
}

std::vector<const KendallRanks*> Pointers(const std::vector<KendallRanks>& patterns) {
  std::vector<const KendallRanks*> pointers;
  for (const KendallRanks& pattern : patterns) pointers.push_back(&pattern);
  return pointers;
}

TEST(KendallMatrixTest, CountsForEveryPairOfPatternsWhatIsCountedForOneAlone) {
  for (const std::size_t entries : {1, 2, 3, 32, 63, 64, 65, 144, 1000, 1024, 4096, 4097}) {
    for (const std::size_t patterns : {2, 15, 16, 17, 35}) {
      for (const std::size_t tied : {0, 1, 4}) {
        if (entries > 1024 && (patterns > 17 || tied == 1)) continue;
        const std::vector<KendallRanks> ranks = Patterns(patterns, entries, tied);
        const auto counts = CountPairsOfEach(Pointers(ranks), Go);
        ASSERT_TRUE(counts.ok());
        for (std::size_t row = 0; row < patterns; ++row) {
          for (std::size_t column = row + 1; column < patterns; ++column) {
            ASSERT_EQ((*counts)[row * patterns + column], CountPairs(ranks[row], ranks[column]))
                << entries << " entries, patterns " << row << " and " << column << " of " << patterns << ", tied "
                << tied;
          }
        }
      }
    }
  }
}

TEST(KendallMatrixTest, EndsWhenToldTo) {
  for (const std::size_t patterns : {3, 20}) {
    const std::vector<KendallRanks> ranks = Patterns(patterns, 100, 0);
    EXPECT_EQ(CountPairsOfEach(Pointers(ranks), [] { return absl::CancelledError("enough"); }).status(),
              absl::CancelledError("enough"));
  }
}

}  // namespace
}  // namespace headscope::server
