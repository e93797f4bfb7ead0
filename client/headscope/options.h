// What a job computes and how its planes are read, as plain values. Mirrors headscope.v1.Compute, Reduction, Execution,
// whose comments define every value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace headscope::client {

enum class DType { kFloat32, kFloat64, kBFloat16 };
enum class Engine { kFast, kReference };
enum class OnInvalid { kRefuse, kSkip };
enum class LossScale { kPerSampleMean, kSum, kBatchTokenMean };
enum class Absolute { kPerSample, kNone, kPerToken };
enum class Positions { kAll, kPrompt, kResponse };
enum class LayerNorm { kNone, kL2 };
enum class HeadAxis { kQuery, kKvGroup };

// The value's name on the command line and in JSON: kebab-case ("per-sample-mean").
template <typename Enum>
std::string NameOf(Enum value);
// Nothing for a name that is none of NamesOf<Enum>().
template <typename Enum>
std::optional<Enum> FromName(const std::string& name);
// Every name, the default first.
template <typename Enum>
std::vector<std::string> NamesOf();

// Everything that changes what is stored.
struct ComputeOptions {
  std::string method = "gradient";
  // Absent: the server's default.
  std::optional<Engine> engine;
  DType dtype = DType::kFloat32;
  // Append the end-of-sequence token to text samples.
  bool append_eos = true;
  // Keep the first N tokens of every sample. Absent: longer samples than the model takes are invalid.
  std::optional<std::uint32_t> max_tokens;
  OnInvalid on_invalid = OnInvalid::kRefuse;
  // Store every sample's token ids, vocabulary strings and response mask with its scores.
  bool record_tokens = false;
  friend bool operator==(const ComputeOptions&, const ComputeOptions&) = default;
};

// How planes become a pattern; applied when read.
struct ReductionOptions {
  LossScale loss_scale = LossScale::kPerSampleMean;
  // Batch size of kBatchTokenMean; absent: 4. Refused with any other loss scale.
  std::optional<std::uint32_t> script_batch;
  Absolute absolute = Absolute::kPerSample;
  Positions positions = Positions::kAll;
  LayerNorm layer_norm = LayerNorm::kNone;
  HeadAxis head_axis = HeadAxis::kQuery;
  friend bool operator==(const ReductionOptions&, const ReductionOptions&) = default;
};

// How a job is run; changes no result.
struct ExecutionOptions {
  // Higher first, -100 to 100.
  std::int32_t priority = 0;
  // Tokens in one batch. Absent: the server's default.
  std::optional<std::uint32_t> batch_tokens;
  // The job expires when nothing has started within this time. Absent: never.
  std::optional<absl::Duration> queue_ttl;
  // Attempts of one shard. Absent: the server's default.
  std::optional<std::uint32_t> max_attempts;
  friend bool operator==(const ExecutionOptions&, const ExecutionOptions&) = default;
};

}  // namespace headscope::client
