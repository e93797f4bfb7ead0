// From packed samples to the rows that the fast engine computes on.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/model/packed_batch.h"

namespace headscope::worker {

// A sample's last token predicts nothing and is seen by no other token, so it is left out: n rows of tokens, r of which
// predict a supervised token. A plain value.
struct TokenPlan {
  // [samples + 1] sample b owns rows [offsets[b], offsets[b + 1]).
  std::vector<std::int64_t> offsets;
  // int64 [n] on the device: vocabulary index, and position within the sample.
  at::Tensor token_ids;
  at::Tensor positions;
  // [samples] tokens, the last one included, by which some ropes choose.
  std::vector<std::int64_t> lengths;
  // Longest sample in rows.
  std::int64_t longest = 0;

  // [r] the predicting rows in ascending order, on the host and on the device.
  std::vector<std::int64_t> rows;
  at::Tensor row_index;
  // [r] what each predicts, of which sample, and 1 / (supervised tokens of that sample).
  std::vector<std::int64_t> targets;
  std::vector<std::int64_t> samples;
  std::vector<double> seeds;

  std::int64_t size() const { return offsets.back(); }
  // [samples] rows of each.
  std::vector<std::int64_t> SampleRows() const;
};

// `batch` has passed CheckBatch.
TokenPlan PlanTokens(const PackedBatch& batch, const at::Device& device);

// Mean loss of every sample [samples], summed in float64. losses [r].
std::vector<double> MeanLosses(const TokenPlan& plan, const std::vector<double>& losses);

}  // namespace headscope::worker
