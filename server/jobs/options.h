// What a job asks to be computed and how it is read, as plain values with every default resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace headscope::server {

enum class DType { kFloat32, kFloat64, kBFloat16 };
enum class EngineKind { kReference, kFast };
enum class OnInvalid { kRefuse, kSkip };

// Everything that changes what is stored. Mirrors headscope.v1.Compute.
struct ComputeOptions {
  std::string method = "gradient";
  EngineKind engine = EngineKind::kFast;
  DType dtype = DType::kFloat32;
  bool append_eos = true;
  std::optional<std::uint32_t> max_tokens;
  OnInvalid on_invalid = OnInvalid::kRefuse;
  // Store the samples' tokens with their scores.
  bool record_tokens = false;
  friend bool operator==(const ComputeOptions&, const ComputeOptions&) = default;
};

enum class LossScale { kPerSampleMean, kSum, kBatchTokenMean };
enum class Absolute { kPerSample, kNone, kPerToken };
enum class Positions { kAll, kPrompt, kResponse };
enum class LayerNorm { kNone, kL2 };
enum class HeadAxis { kQuery, kKvGroup };

// How planes become a pattern. Mirrors headscope.v1.Reduction, whose comments define every value.
struct ReductionOptions {
  LossScale loss_scale = LossScale::kPerSampleMean;
  // Batch size of kBatchTokenMean; at least 1.
  std::uint32_t script_batch = 4;
  Absolute absolute = Absolute::kPerSample;
  Positions positions = Positions::kAll;
  LayerNorm layer_norm = LayerNorm::kNone;
  HeadAxis head_axis = HeadAxis::kQuery;
  friend bool operator==(const ReductionOptions&, const ReductionOptions&) = default;
};

}  // namespace headscope::server
