#include "server/analysis/sample_reducer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {
namespace {

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

absl::StatusOr<SampleReducer> SampleReducer::Make(const ReductionOptions& options, const HeadShape& shape) {
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
  return SampleReducer(options, shape);
}

SampleReducer::SampleReducer(const ReductionOptions& options, const HeadShape& shape)
    : absolute_(options.absolute == Absolute::kPerSample),
      shape_(shape),
      planes_(SummedPlanes(options)),
      columns_(GroupsHeads(options) ? shape.kv_heads : shape.heads),
      group_(columns_ == 0 ? 0 : shape.heads / columns_) {}

absl::Status SampleReducer::Check(const ScoreBlock& block) const {
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

SampleReducer::Planes SampleReducer::PlanesOf(const ScoreBlock& block) const {
  Planes planes;
  for (const std::string& name : planes_) planes.push_back(&block.planes.at(name));
  return planes;
}

// planes: [samples, layers, heads] each.
void SampleReducer::Reduce(const Planes& planes, std::size_t row, std::vector<double>& sample) const {
  const std::size_t start = row * shape_.layers * shape_.heads;
  // The heads of one group stand side by side, so that groups are consecutive over all layers.
  for (std::size_t column = 0; column < sample.size(); ++column) {
    double score = 0;
    for (const std::vector<float>* plane : planes) {
      for (std::size_t head = 0; head < group_; ++head) score += (*plane)[start + column * group_ + head];
    }
    sample[column] = absolute_ ? std::fabs(score) : score;
  }
}

}  // namespace headscope::server
