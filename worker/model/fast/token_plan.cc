#include "worker/model/fast/token_plan.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace headscope::worker {

std::vector<std::int64_t> TokenPlan::SampleRows() const {
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) rows.push_back(offsets[i + 1] - offsets[i]);
  return rows;
}

TokenPlan PlanTokens(const PackedBatch& batch, const at::Device& device) {
  TokenPlan plan;
  plan.offsets = {0};
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> positions;
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    const std::int64_t begin = batch.offsets[sample], kept = batch.Length(sample) - 1;
    const std::int64_t supervised = batch.ResponseTokens(sample);
    const std::int64_t first_row = static_cast<std::int64_t>(ids.size());
    for (std::int64_t position = 0; position < kept; ++position) {
      ids.push_back(batch.token_ids[begin + position]);
      positions.push_back(position);
    }
    for (std::int64_t position = kept - supervised; position < kept; ++position) {
      plan.rows.push_back(first_row + position);
      plan.targets.push_back(batch.token_ids[begin + position + 1]);
      plan.samples.push_back(sample);
      plan.seeds.push_back(1.0 / static_cast<double>(supervised));
    }
    plan.offsets.push_back(first_row + kept);
    plan.lengths.push_back(batch.Length(sample));
    plan.longest = std::max(plan.longest, kept);
  }
  plan.token_ids = at::tensor(ids, at::kLong).to(device);
  plan.positions = at::tensor(positions, at::kLong).to(device);
  plan.row_index = at::tensor(plan.rows, at::kLong).to(device);
  return plan;
}

std::vector<double> MeanLosses(const TokenPlan& plan, const std::vector<double>& losses) {
  std::vector<double> sums(plan.offsets.size() - 1, 0.0);
  std::vector<double> counts(plan.offsets.size() - 1, 0.0);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    sums[plan.samples[i]] += losses[i];
    counts[plan.samples[i]] += 1.0;
  }
  for (std::size_t sample = 0; sample < sums.size(); ++sample) sums[sample] /= counts[sample];
  return sums;
}

}  // namespace headscope::worker
