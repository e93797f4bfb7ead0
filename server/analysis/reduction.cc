#include "server/analysis/reduction.h"

#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {
namespace {

// Of a layer without any score the quotient is to be 0.
constexpr double kNormFloor = 1e-20;

std::vector<std::string> SummedPlanes(const ReductionOptions& options) {
  const bool per_token = options.absolute == Absolute::kPerToken;
  std::vector<std::string> names;
  if (options.positions != Positions::kResponse) names.push_back(per_token ? kPromptAbsolute : kPromptSigned);
  if (options.positions != Positions::kPrompt) names.push_back(per_token ? kResponseAbsolute : kResponseSigned);
  return names;
}

bool GroupsHeads(const ReductionOptions& options) { return options.head_axis == HeadAxis::kKvGroup; }

}  // namespace

absl::Status CheckReduction(const ReductionOptions& options) {
  if (GroupsHeads(options) && options.absolute == Absolute::kPerToken) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "absolute values per token cannot be summed over KV groups: the stored planes hold them per query "
                     "head; ask for another `absolute` or for query heads",
                     "BAD_REDUCTION");
  }
  if (options.loss_scale == LossScale::kBatchTokenMean && options.script_batch == 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "script_batch is 0, at least 1 is needed", "BAD_REDUCTION");
  }
  return absl::OkStatus();
}

absl::StatusOr<PatternAccumulator> PatternAccumulator::Make(const ReductionOptions& options, const HeadShape& shape) {
  if (absl::Status status = CheckReduction(options); !status.ok()) return status;
  if (GroupsHeads(options)) {
    if (shape.kv_heads == 0) {
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       "the number of key-value heads is not known any more: no worker's catalogue has the model; ask "
                       "for query heads",
                       "KV_HEADS_UNKNOWN");
    }
    if (shape.heads % shape.kv_heads != 0) {
      return absl::InternalError(
          absl::StrCat(shape.heads, " query heads cannot be shared by ", shape.kv_heads, " key-value heads"));
    }
  }
  return PatternAccumulator(options, shape);
}

PatternAccumulator::PatternAccumulator(const ReductionOptions& options, const HeadShape& shape)
    : options_(options),
      shape_(shape),
      planes_(SummedPlanes(options)),
      columns_(GroupsHeads(options) ? shape.kv_heads : shape.heads),
      group_(columns_ == 0 ? 0 : shape.heads / columns_),
      sample_(std::size_t{shape.layers} * columns_),
      total_(sample_.size()),
      batch_(sample_.size()) {}

absl::Status PatternAccumulator::Check(const ScoreBlock& block) const {
  if (block.layers != shape_.layers || block.heads != shape_.heads) {
    return absl::DataLossError(absl::StrCat("scores of ", block.layers, " x ", block.heads, " heads among those of ",
                                            shape_.layers, " x ", shape_.heads));
  }
  if (absl::Status status = CheckScoreBlock(block); !status.ok()) {
    return absl::DataLossError(std::string(status.message()));
  }
  for (const std::string& name : planes_) {
    if (!block.planes.contains(name)) return absl::DataLossError(absl::StrCat("scores without the plane ", name));
  }
  return absl::OkStatus();
}

std::vector<const std::vector<float>*> PatternAccumulator::PlanesOf(const ScoreBlock& block) const {
  std::vector<const std::vector<float>*> planes;
  for (const std::string& name : planes_) planes.push_back(&block.planes.at(name));
  return planes;
}

absl::Status PatternAccumulator::Add(const ScoreBlock& block) {
  if (absl::Status status = Check(block); !status.ok()) return status;
  const auto planes = PlanesOf(block);
  for (std::size_t row = 0; row < block.samples.size(); ++row) {
    if (last_sample_ && block.samples[row] <= *last_sample_) {
      return absl::DataLossError(
          absl::StrCat("scores of sample ", block.samples[row], " follow those of ", *last_sample_));
    }
    last_sample_ = block.samples[row];
    Reduce(planes, row);
    Take(block.response_tokens[row]);
    tokens_ += block.tokens[row];
    response_tokens_ += block.response_tokens[row];
  }
  return absl::OkStatus();
}

// planes: [samples, layers, heads] each; sample_: [layers, columns].
void PatternAccumulator::Reduce(const std::vector<const std::vector<float>*>& planes, std::size_t row) {
  const std::size_t start = row * shape_.layers * shape_.heads;
  // The heads of one group stand side by side, so that groups are consecutive over all layers.
  for (std::size_t column = 0; column < sample_.size(); ++column) {
    double score = 0;
    for (const std::vector<float>* plane : planes) {
      for (std::size_t head = 0; head < group_; ++head) score += (*plane)[start + column * group_ + head];
    }
    sample_[column] = options_.absolute == Absolute::kPerSample ? std::fabs(score) : score;
  }
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
  pattern.layers = shape_.layers;
  pattern.heads = columns_;
  pattern.values = total_.mean();
  if (total_.count() > 1) pattern.standard_error = total_.StandardError();
  pattern.samples = total_.count();
  pattern.tokens = tokens_;
  pattern.response_tokens = response_tokens_;
  if (options_.layer_norm == LayerNorm::kL2) NormaliseLayers(pattern);
  return pattern;
}

void PatternAccumulator::NormaliseLayers(ReducedPattern& pattern) const {
  for (std::size_t layer = 0; layer < pattern.layers; ++layer) {
    double squares = 0;
    const std::size_t begin = layer * columns_;
    const std::size_t end = begin + columns_;
    for (std::size_t i = begin; i < end; ++i) squares += pattern.values[i] * pattern.values[i];
    const double norm = std::sqrt(squares) + kNormFloor;
    for (std::size_t i = begin; i < end; ++i) pattern.values[i] /= norm;
    if (!pattern.standard_error) continue;
    for (std::size_t i = begin; i < end; ++i) (*pattern.standard_error)[i] /= norm;
  }
}

}  // namespace headscope::server
