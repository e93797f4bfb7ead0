#include "server/analysis/reduction.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {
namespace {

// Of a layer without any score the quotient is to be 0.
constexpr double kNormFloor = 1e-20;

}  // namespace

absl::StatusOr<PatternAccumulator> PatternAccumulator::Make(const ReductionOptions& options, const HeadShape& shape) {
  absl::StatusOr<SampleReducer> reducer = SampleReducer::Make(options, shape);
  if (!reducer.ok()) return reducer.status();
  return PatternAccumulator(options, *std::move(reducer));
}

PatternAccumulator::PatternAccumulator(const ReductionOptions& options, SampleReducer reducer)
    : options_(options),
      reducer_(std::move(reducer)),
      sample_(reducer_.entries()),
      total_(sample_.size()),
      batch_(sample_.size()) {}

absl::Status PatternAccumulator::Add(const ScoreBlock& block) {
  if (absl::Status status = reducer_.Check(block); !status.ok()) return status;
  const SampleReducer::Planes planes = reducer_.PlanesOf(block);
  for (std::size_t row = 0; row < block.samples.size(); ++row) {
    if (last_sample_ && block.samples[row] <= *last_sample_) {
      return absl::DataLossError(
          absl::StrCat("scores of sample ", block.samples[row], " follow those of ", *last_sample_));
    }
    last_sample_ = block.samples[row];
    reducer_.Reduce(planes, row, sample_);
    Take(block.response_tokens[row]);
    tokens_ += block.tokens[row];
    response_tokens_ += block.response_tokens[row];
  }
  return absl::OkStatus();
}

// Scales the sample in `sample_` and adds it: s_i, s_i n_i, or s_i n_i over the sum of n in its batch.
void PatternAccumulator::Take(std::uint32_t response_tokens) {
  if (options_.loss_scale == LossScale::kPerSampleMean) {
    total_.Add(sample_);
    return;
  }
  for (double& score : sample_) score *= response_tokens;
  if (options_.loss_scale == LossScale::kSum) {
    total_.Add(sample_);
    return;
  }
  batch_.Add(sample_);
  batch_response_tokens_ += response_tokens;
  if (batch_.count() == options_.script_batch) CloseBatch();
}

void PatternAccumulator::CloseBatch() {
  if (batch_response_tokens_ != 0) batch_.Scale(1.0 / static_cast<double>(batch_response_tokens_));
  total_.Merge(batch_);
  batch_.Clear();
  batch_response_tokens_ = 0;
}

absl::StatusOr<ReducedPattern> PatternAccumulator::Finish() {
  CloseBatch();
  if (total_.count() == 0) return absl::FailedPreconditionError("no sample was scored, so there is no pattern");
  ReducedPattern pattern;
  pattern.layers = reducer_.layers();
  pattern.heads = reducer_.columns();
  pattern.values = total_.mean();
  if (total_.count() > 1) pattern.standard_error = total_.StandardError();
  pattern.samples = total_.count();
  pattern.tokens = tokens_;
  pattern.response_tokens = response_tokens_;
  if (options_.layer_norm == LayerNorm::kL2) {
    NormaliseLayers(pattern.layers, pattern.values, pattern.standard_error ? &*pattern.standard_error : nullptr);
  }
  return pattern;
}

void NormaliseLayers(std::uint32_t layers, std::vector<double>& values, std::vector<double>* alongside) {
  const std::size_t columns = values.size() / layers;
  for (std::size_t begin = 0; begin < values.size(); begin += columns) {
    const std::size_t end = begin + columns;
    double squares = 0;
    for (std::size_t i = begin; i < end; ++i) squares += values[i] * values[i];
    const double norm = std::sqrt(squares) + kNormFloor;
    for (std::size_t i = begin; i < end; ++i) values[i] /= norm;
    if (alongside == nullptr) continue;
    for (std::size_t i = begin; i < end; ++i) (*alongside)[i] /= norm;
  }
}

}  // namespace headscope::server
