#include "worker/tools/trainer/measurement.h"

#include <algorithm>
#include <cstddef>

#include "worker/tools/trainer/byte_vocabulary.h"

namespace headscope::worker {
namespace {

// What one pass holds in memory.
constexpr std::size_t kBatch = 256;

}  // namespace

absl::StatusOr<Measurement> Measure(Learner& learner, const std::vector<Example>& examples) {
  Evaluation sum;
  for (std::size_t first = 0; first < examples.size(); first += kBatch) {
    PackedBatch batch;
    const std::size_t last = std::min(first + kBatch, examples.size());
    for (std::size_t i = first; i < last; ++i) AddExample(examples[i], batch);
    const absl::StatusOr<Evaluation> evaluation = learner.Evaluate(batch);
    if (!evaluation.ok()) return evaluation.status();
    sum.exact += evaluation->exact;
    sum.tokens += evaluation->tokens;
    sum.loss_sum += evaluation->loss_sum;
  }
  return Measurement{.examples = static_cast<std::int64_t>(examples.size()),
                     .loss = sum.loss_sum / static_cast<double>(sum.tokens),
                     .accuracy = static_cast<double>(sum.exact) / static_cast<double>(examples.size())};
}

}  // namespace headscope::worker
