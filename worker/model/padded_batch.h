// From packed samples to the rectangle that the reference engine computes on.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "worker/model/decoder_spec.h"
#include "worker/model/packed_batch.h"

namespace headscope::worker {

// A supervised token: `row` = sample * length + position, at which it is predicted.
struct Prediction {
  std::int64_t sample = 0;
  std::int64_t row = 0;
  std::int64_t target = 0;
};

struct PaddedBatch {
  std::int64_t samples = 0;
  // The longest sample's tokens.
  std::int64_t length = 0;
  // [samples, length], padded on the right with id 0.
  std::vector<std::int64_t> token_ids;
  // By sample, then by position.
  std::vector<Prediction> predictions;
};

// OK when `batch` keeps its invariants and every sample can be run: at least one supervised token, ids of the
// vocabulary, no more tokens than positions. INVALID_ARGUMENT otherwise, naming the sample (its index) and both
// numbers.
absl::Status CheckBatch(const PackedBatch& batch, const DecoderSpec& spec);

// OK when `gates` is empty or has one value per sample, layer and head; INVALID_ARGUMENT otherwise with both numbers.
absl::Status CheckGates(const std::vector<float>& gates, const PackedBatch& batch, const DecoderSpec& spec);

// `batch` has passed CheckBatch.
PaddedBatch PadBatch(const PackedBatch& batch);

}  // namespace headscope::worker
