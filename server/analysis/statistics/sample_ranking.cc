#include "server/analysis/statistics/sample_ranking.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/analysis/statistics/vector_math.h"

namespace headscope::server {
namespace {

// Shorter first: numbers without leading zeros come in their order.
bool IdBefore(const std::string& left, const std::string& right) {
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

std::vector<float> DirectionOf(const double* scores, std::size_t size) {
  const VectorView view = View(scores, size);
  const double length = std::sqrt(view.dot(view));
  std::vector<float> direction(size);
  for (std::size_t i = 0; i < size; ++i) direction[i] = length == 0 ? 0 : static_cast<float>(scores[i] / length);
  return direction;
}

double CosineOf(const std::vector<float>& left, const std::vector<float>& right) {
  double sum = 0;
  for (std::size_t i = 0; i < left.size(); ++i) sum += double{left[i]} * right[i];
  return sum;
}

}  // namespace

absl::StatusOr<SampleRanking> SampleRanking::Make(const PatternMatrix& target, const RankOptions& options) {
  SampleRanking ranking(target, options);
  if (ranking.defined_) return ranking;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   options.measure == RankMeasure::kPearson
                       ? "the target is constant: no correlation with it is defined"
                       : "the target is all 0: it has no direction",
                   "TARGET_NOT_DEFINED");
}

SampleRanking::SampleRanking(const PatternMatrix& target, const RankOptions& options)
    : options_(options),
      heads_(target.heads),
      target_(target.values),
      kept_at_most_(options.max_cosine ? std::max(options.candidates, options.top) : options.top) {
  if (options.measure == RankMeasure::kPearson) Centre(target_);
  defined_ = Normalise(target_);
}

std::uint64_t SampleRanking::BytesAtMost(std::size_t id_bytes) const {
  const std::uint64_t direction = options_.max_cosine ? target_.size() * sizeof(float) : 0;
  return kept_at_most_ * (sizeof(Kept) + id_bytes + direction);
}

bool SampleRanking::Better(const Kept& left, const Kept& right) {
  if (left.sample.score != right.sample.score) return left.sample.score > right.sample.score;
  if (left.sample.id != right.sample.id) return IdBefore(left.sample.id, right.sample.id);
  return left.sample.index < right.sample.index;
}

std::optional<double> SampleRanking::ScoreOf(const double* scores, std::size_t size) const {
  const VectorView sample = View(scores, size);
  const double product = sample.dot(View(target_));
  if (options_.measure == RankMeasure::kProjection) return product;
  double squares = 0;
  if (options_.measure == RankMeasure::kPearson) {
    if (std::all_of(scores, scores + size, [&](double score) { return score == *scores; })) return std::nullopt;
    const double mean = Mean(scores, size);
    // The target is centred, so the sample's mean drops out of the product.
    squares = (sample.array() - mean).matrix().squaredNorm();
  } else {
    squares = sample.dot(sample);
  }
  if (squares == 0) return std::nullopt;
  return std::clamp(product / std::sqrt(squares), -1.0, 1.0);
}

absl::Status SampleRanking::Add(std::string id, std::uint64_t index, const double* scores, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (std::isfinite(scores[i])) continue;
    return MakeError(absl::StatusCode::kInvalidArgument,
                     absl::StrCat("sample ", id, " has the value ", scores[i], " at layer ", i / heads_, ", head ",
                                  i % heads_, "; every value must be finite"),
                     "BAD_PATTERN");
  }
  ++ranking_.pool;
  const std::optional<double> score = ScoreOf(scores, size);
  if (!score) {
    ++ranking_.undefined;
    return absl::OkStatus();
  }
  Kept kept{{std::move(id), index, *score}, {}};
  if (kept_.size() == kept_at_most_ && !Better(kept, kept_.front())) return absl::OkStatus();
  if (options_.max_cosine) kept.direction = DirectionOf(scores, size);
  Keep(std::move(kept));
  return absl::OkStatus();
}

void SampleRanking::Keep(Kept kept) {
  if (kept_.size() == kept_at_most_) {
    std::pop_heap(kept_.begin(), kept_.end(), Better);
    kept_.back() = std::move(kept);
  } else {
    kept_.push_back(std::move(kept));
  }
  std::push_heap(kept_.begin(), kept_.end(), Better);
}

void SampleRanking::TakeDiverse(std::vector<Kept> candidates, Ranking& ranking) const {
  std::vector<const Kept*> taken;
  for (const Kept& candidate : candidates) {
    if (taken.size() == options_.top) break;
    const bool near = std::any_of(taken.begin(), taken.end(), [&](const Kept* other) {
      return CosineOf(candidate.direction, other->direction) > *options_.max_cosine;
    });
    if (near) {
      ++ranking.near_duplicates;
      continue;
    }
    taken.push_back(&candidate);
    ranking.samples.push_back(candidate.sample);
  }
  const bool kept_all = candidates.size() == ranking.pool - ranking.undefined;
  ranking.candidates_exhausted = ranking.samples.size() < options_.top && !kept_all;
}

Ranking SampleRanking::Finish() {
  std::sort(kept_.begin(), kept_.end(), Better);
  if (options_.max_cosine) {
    TakeDiverse(std::move(kept_), ranking_);
  } else {
    for (Kept& kept : kept_) ranking_.samples.push_back(std::move(kept.sample));
  }
  return std::move(ranking_);
}

}  // namespace headscope::server
