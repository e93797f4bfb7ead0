// What a server computes from patterns, as plain values. Mirrors headscope.v1's analysis.proto, whose comments define
// every quantity. What is not defined is absent, or NaN in a matrix.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/headscope/options.h"
#include "client/headscope/pattern.h"

namespace headscope::client {

// NameOf, FromName and NamesOf (options.h) know all of these.
enum class HeadOrder { kValue, kMagnitude };
enum class ResampledUnit { kHeads, kSamples };
enum class ShuffleScope { kWithinLayers, kAllHeads };
enum class Measure { kPearson, kSpearman, kKendallTauB, kCosine, kMse, kTopKOverlap, kTopKJaccard, kRbo };
enum class LayerMeans { kBoth, kKept, kRemoved };
enum class Fit { kOls, kNnls };
enum class CoefficientIntervals { kBootstrapHeads, kNone, kOlsStandardError };
enum class RankMeasure { kCosine, kPearson, kProjection };

// A matrix that travels with the request: a local file's.
struct InlinePattern {
  // How messages and answers call it.
  std::string label;
  Matrix values;
  std::optional<Matrix> standard_error;
  PatternModel model;
};

// A pattern to work on: a stored one or a matrix.
struct PatternReference {
  // Pattern or job, with or without "patterns/" or "jobs/"; empty where `matrix` is set.
  std::string name;
  std::optional<InlinePattern> matrix;
  // Absent: the reduction of the job's spec.
  std::optional<ReductionOptions> reduction;
  // Subtracted: the change from this one to the other.
  std::shared_ptr<const PatternReference> minus;
};

// Which pattern an answer is about.
struct PatternIdentity {
  // Empty for a matrix.
  std::string id;
  std::string display_name;
  std::string model;
  std::string family;
  std::uint64_t samples_scored = 0;
  std::shared_ptr<const PatternIdentity> minus;
};

struct Interval {
  double low = 0;
  double high = 0;
};
struct Estimate {
  std::optional<double> value;
  std::optional<Interval> interval;
};

struct Bootstrap {
  // 0: none. Absent: the server's default.
  std::optional<std::uint32_t> resamples;
  std::optional<double> level;
  std::uint64_t seed = 0;
};
struct Permutation {
  // 0: none. Absent: the server's default.
  std::optional<std::uint32_t> permutations;
  ShuffleScope scope = ShuffleScope::kWithinLayers;
  std::uint64_t seed = 0;
};

struct Dispersion {
  Estimate gini;
  Estimate cv;
  Estimate kurtosis_fisher;
  Estimate kurtosis_pearson;
  Estimate entropy;
  Estimate effective_heads;
};

struct TopHead {
  std::uint32_t layer = 0;
  std::uint32_t head = 0;
  double value = 0;
  std::optional<double> standard_error;
  std::optional<Interval> interval;
  std::optional<double> stability;
};

struct DescribeOptions {
  std::uint32_t ddof = 0;
  bool magnitudes = false;
  HeadOrder head_order = HeadOrder::kValue;
  std::uint32_t top = 10;
  Bootstrap bootstrap;
  bool allow_different_models = false;
};
struct Description {
  PatternIdentity pattern;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  Dispersion dispersion;
  std::vector<Estimate> layer_totals;
  Estimate total;
  std::vector<TopHead> top_heads;
  std::optional<Matrix> standard_error;
  // As used.
  Bootstrap bootstrap;
};

struct CompareOptions {
  // Empty: all.
  std::vector<Measure> measures;
  LayerMeans layer_means = LayerMeans::kBoth;
  std::optional<std::uint32_t> top_k;
  std::optional<double> rbo_p;
  HeadOrder head_order = HeadOrder::kValue;
  // Absent: no intervals.
  std::optional<Bootstrap> bootstrap;
  ResampledUnit resampled_unit = ResampledUnit::kHeads;
  // Absent: no p-values.
  std::optional<Permutation> permutation;
  bool allow_different_models = false;
};
// [patterns, patterns] each.
struct SimilarityMatrices {
  Matrix values;
  std::optional<Matrix> low;
  std::optional<Matrix> high;
  std::optional<Matrix> p_values;
};
struct Comparison {
  std::vector<PatternIdentity> patterns;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  // As used.
  std::uint32_t top_k = 0;
  double rbo_p = 0;
  double top_k_overlap_by_chance = 0;
  double top_k_jaccard_by_chance = 0;
  std::optional<Bootstrap> bootstrap;
  std::optional<Permutation> permutation;
  // By measure, and whether layer means were removed.
  std::map<std::pair<Measure, bool>, SimilarityMatrices> measures;
};

struct DecomposeOptions {
  Fit fit = Fit::kOls;
  bool intercept = false;
  CoefficientIntervals intervals = CoefficientIntervals::kBootstrapHeads;
  Bootstrap bootstrap;
  Permutation permutation;
  bool rank_subsets = false;
  bool allow_different_models = false;
};
struct Coefficient {
  double value = 0;
  std::optional<double> standard_error;
  std::optional<Interval> interval;
};
struct FitQuality {
  double residual_squares = 0;
  std::optional<double> r2_centred;
  std::optional<double> r2_uncentred;
  std::optional<double> r2_adjusted;
};
struct SubsetFit {
  std::vector<std::uint32_t> members;
  std::vector<double> coefficients;
  double intercept = 0;
  FitQuality quality;
};
struct PermutationNull {
  double p_value = 1;
  double mean_r2_centred = 0;
  double quantile_95_r2_centred = 0;
};
struct Decomposition {
  PatternIdentity target;
  std::vector<PatternIdentity> basis;
  std::vector<Coefficient> coefficients;
  std::optional<Coefficient> intercept;
  FitQuality quality;
  std::optional<double> r2_with_intercept;
  double condition_number = 0;
  double scaled_condition_number = 0;
  std::vector<double> vif;
  std::optional<PermutationNull> permutation_null;
  std::vector<SubsetFit> subsets;
  Matrix residuals;
  // As used.
  Bootstrap bootstrap;
  Permutation permutation;
};

struct TrackOptions {
  std::uint32_t ddof = 0;
  bool magnitudes = false;
  bool allow_different_models = false;
};
struct Change {
  std::optional<double> mse;
  std::optional<double> pearson;
  std::optional<double> spearman;
  std::optional<double> cosine;
};
struct TrackPoint {
  PatternIdentity pattern;
  Dispersion dispersion;
  Change against_first;
  // Absent at the first.
  std::optional<Change> against_previous;
  Change against_last;
};

struct Diversity {
  double max_cosine = 1;
  std::optional<std::uint64_t> candidates;
};
struct RankOptions {
  RankMeasure measure = RankMeasure::kCosine;
  std::uint64_t top = 100;
  std::optional<Diversity> diversity;
  bool allow_different_models = false;
};
struct RankedSample {
  std::string id;
  std::uint64_t index = 0;
  double score = 0;
};
struct Ranking {
  PatternIdentity target;
  std::vector<RankedSample> samples;
  std::uint64_t pool_samples = 0;
  std::uint64_t undefined_samples = 0;
  std::uint64_t near_duplicates = 0;
  bool candidates_exhausted = false;
};

// Rows of a pool, piece by piece, so that one larger than memory can be ranked. Single-thread.
struct PoolRows {
  // One for every sample, or none: 1-based positions.
  std::vector<std::string> ids;
  // [samples, layers, heads].
  std::vector<float> scores;
};
class PoolSource {
 public:
  virtual ~PoolSource() = default;
  virtual std::uint32_t layers() const = 0;
  virtual std::uint32_t heads() const = 0;
  // At most `samples` rows; nothing at the end.
  virtual absl::StatusOr<std::optional<PoolRows>> Next(std::size_t samples) = 0;
};

struct MixtureComponent {
  std::string name;
  double coefficient = 0;
  std::uint64_t floor = 0;
  std::optional<std::uint64_t> cap;
};
struct MixtureShare {
  std::string name;
  std::uint64_t samples = 0;
  double share = 0;
  double exact = 0;
  bool clipped = false;
  bool at_floor = false;
  bool at_cap = false;
};

}  // namespace headscope::client
