// Which samples of a pool are most like a target pattern.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/analysis/statistics/pattern_matrix.h"

namespace headscope::server {

// s: a sample's own scores, t: the target.
enum class RankMeasure {
  // <s, t> / (|s| |t|). Not defined for a sample or target of 0.
  kCosine,
  // The same of s and t without their means. Not defined for a constant sample or target.
  kPearson,
  // <s, t> / |t|: how far the sample goes in the target's direction; longer samples weigh more.
  kProjection,
};

struct RankOptions {
  RankMeasure measure = RankMeasure::kCosine;
  // How many samples are wanted; at least 1.
  std::uint64_t top = 100;
  // Diversity: no sample is taken whose scores have a larger cosine than this with those of one taken before it.
  std::optional<double> max_cosine;
  // With max_cosine: so many of the best samples are kept to choose from; at least `top`.
  std::uint64_t candidates = 0;
};

struct RankedSample {
  std::string id;
  // Position in the pool.
  std::uint64_t index = 0;
  double score = 0;
};

struct Ranking {
  // Best first. Equal scores: the shorter id, then the smaller bytes ("s9" before "s10"), then the earlier position.
  std::vector<RankedSample> samples;
  // Samples seen, and those for which the measure is not defined: they are not ranked.
  std::uint64_t pool = 0;
  std::uint64_t undefined = 0;
  // Candidates that were too near to a sample taken before.
  std::uint64_t near_duplicates = 0;
  // Fewer than `top` were taken though the pool had more than the candidates that were kept: ask for more candidates.
  bool candidates_exhausted = false;
};

// Samples are given one by one; memory: `top` ids, with max_cosine also the scores of `candidates` samples. The result
// depends on the samples and their positions alone. Thread-compatible.
class SampleRanking {
 public:
  // INVALID_ARGUMENT / TARGET_NOT_DEFINED for a target with which the measure is not defined.
  static absl::StatusOr<SampleRanking> Make(const PatternMatrix& target, const RankOptions& options);

  // What the samples kept may come to, with ids of at most `id_bytes`.
  std::uint64_t BytesAtMost(std::size_t id_bytes) const;

  // A sample at position `index` of the pool: `size` values, as many as the target has. INVALID_ARGUMENT / BAD_PATTERN
  // for a value that is not finite.
  absl::Status Add(std::string id, std::uint64_t index, const double* scores, std::size_t size);
  // After the last sample.
  Ranking Finish();

 private:
  struct Kept {
    RankedSample sample;
    // Divided by their length; with max_cosine only.
    std::vector<float> direction;
  };

  SampleRanking(const PatternMatrix& target, const RankOptions& options);
  static bool Better(const Kept& left, const Kept& right);
  // Nullopt where not defined.
  std::optional<double> ScoreOf(const double* scores, std::size_t size) const;
  void Keep(Kept kept);
  void TakeDiverse(std::vector<Kept> candidates, Ranking& ranking) const;

  RankOptions options_;
  std::uint32_t heads_;
  // Of length 1; for kPearson centred.
  std::vector<double> target_;
  bool defined_ = true;
  std::uint64_t kept_at_most_;
  // A heap with the worst on top.
  std::vector<Kept> kept_;
  Ranking ranking_;
};

}  // namespace headscope::server
