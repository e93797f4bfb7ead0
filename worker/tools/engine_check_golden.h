// Golden cases: a tiny model, samples and the values an independent implementation gave for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/packed_batch.h"

namespace headscope::worker {

// [layers][heads].
using HeadMatrix = std::vector<std::vector<double>>;

struct GoldenSample {
  std::string id;
  std::vector<std::int32_t> token_ids;
  std::int64_t prompt_tokens = 0;
  // Mean negative log-likelihood over the response tokens.
  double objective = 0;
  // The first logits at the last position; empty where the case has none.
  std::vector<double> last_logits;
  // Sum of D over all query positions.
  HeadMatrix signed_scores;
  // Objective with that head's output zeroed, minus the objective; empty where the case has none.
  HeadMatrix zero_ablation;
};

struct GoldenCase {
  std::string name;
  std::string directory;
  // Mean over samples of |signed_scores|.
  HeadMatrix pattern;
  std::vector<GoldenSample> samples;
};

// Reads JSON Lines of {"id", "token_ids", "prompt_tokens"}; expected values stay empty. Errors: NOT_FOUND,
// INVALID_ARGUMENT.
absl::StatusOr<std::vector<GoldenSample>> ReadTokenRows(const std::string& path);

// Reads config.json's neighbours samples.jsonl and expected.json in `directory`. Errors: NOT_FOUND, INVALID_ARGUMENT.
absl::StatusOr<GoldenCase> ReadGoldenCase(const std::string& directory);

// The samples as one batch.
PackedBatch BatchOf(const std::vector<GoldenSample>& samples);

}  // namespace headscope::worker
