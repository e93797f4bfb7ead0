#include "client/headscope/wire.h"
#include "client/headscope/wire_time.h"

namespace headscope::client {
namespace {

v1::DType ToWire(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return v1::DTYPE_FLOAT32;
    case DType::kFloat64:
      return v1::DTYPE_FLOAT64;
    case DType::kBFloat16:
      return v1::DTYPE_BFLOAT16;
  }
  return v1::DTYPE_UNSPECIFIED;
}

v1::LossScale ToWire(LossScale scale) {
  switch (scale) {
    case LossScale::kPerSampleMean:
      return v1::LOSS_SCALE_PER_SAMPLE_MEAN;
    case LossScale::kSum:
      return v1::LOSS_SCALE_SUM;
    case LossScale::kBatchTokenMean:
      return v1::LOSS_SCALE_BATCH_TOKEN_MEAN;
  }
  return v1::LOSS_SCALE_UNSPECIFIED;
}

LossScale FromWire(v1::LossScale scale) {
  if (scale == v1::LOSS_SCALE_SUM) return LossScale::kSum;
  if (scale == v1::LOSS_SCALE_BATCH_TOKEN_MEAN) return LossScale::kBatchTokenMean;
  return LossScale::kPerSampleMean;
}

v1::Absolute ToWire(Absolute absolute) {
  switch (absolute) {
    case Absolute::kPerSample:
      return v1::ABSOLUTE_PER_SAMPLE;
    case Absolute::kNone:
      return v1::ABSOLUTE_NONE;
    case Absolute::kPerToken:
      return v1::ABSOLUTE_PER_TOKEN;
  }
  return v1::ABSOLUTE_UNSPECIFIED;
}

Absolute FromWire(v1::Absolute absolute) {
  if (absolute == v1::ABSOLUTE_NONE) return Absolute::kNone;
  if (absolute == v1::ABSOLUTE_PER_TOKEN) return Absolute::kPerToken;
  return Absolute::kPerSample;
}

v1::Positions ToWire(Positions positions) {
  switch (positions) {
    case Positions::kAll:
      return v1::POSITIONS_ALL;
    case Positions::kPrompt:
      return v1::POSITIONS_PROMPT;
    case Positions::kResponse:
      return v1::POSITIONS_RESPONSE;
  }
  return v1::POSITIONS_UNSPECIFIED;
}

Positions FromWire(v1::Positions positions) {
  if (positions == v1::POSITIONS_PROMPT) return Positions::kPrompt;
  if (positions == v1::POSITIONS_RESPONSE) return Positions::kResponse;
  return Positions::kAll;
}

}  // namespace

v1::Compute ToProto(const ComputeOptions& options) {
  v1::Compute compute;
  if (options.method == "gradient") compute.mutable_gradient();
  compute.set_dtype(ToWire(options.dtype));
  compute.set_append_eos(options.append_eos);
  if (options.max_tokens) compute.set_max_tokens(*options.max_tokens);
  compute.set_on_invalid(options.on_invalid == OnInvalid::kSkip ? v1::ON_INVALID_SKIP : v1::ON_INVALID_REFUSE);
  compute.set_record_tokens(options.record_tokens);
  if (options.engine) compute.set_engine(*options.engine == Engine::kFast ? v1::ENGINE_FAST : v1::ENGINE_REFERENCE);
  return compute;
}

DType FromProto(v1::DType dtype) {
  if (dtype == v1::DTYPE_FLOAT64) return DType::kFloat64;
  if (dtype == v1::DTYPE_BFLOAT16) return DType::kBFloat16;
  return DType::kFloat32;
}

ComputeOptions FromProto(const v1::Compute& compute) {
  ComputeOptions options;
  options.dtype = FromProto(compute.dtype());
  options.append_eos = !compute.has_append_eos() || compute.append_eos();
  if (compute.has_max_tokens()) options.max_tokens = compute.max_tokens();
  if (compute.on_invalid() == v1::ON_INVALID_SKIP) options.on_invalid = OnInvalid::kSkip;
  options.record_tokens = compute.record_tokens();
  if (compute.engine() == v1::ENGINE_REFERENCE) options.engine = Engine::kReference;
  if (compute.engine() == v1::ENGINE_FAST) options.engine = Engine::kFast;
  return options;
}

v1::Reduction ToProto(const ReductionOptions& options) {
  v1::Reduction reduction;
  reduction.set_loss_scale(ToWire(options.loss_scale));
  if (options.script_batch) reduction.set_script_batch(*options.script_batch);
  reduction.set_absolute(ToWire(options.absolute));
  reduction.set_positions(ToWire(options.positions));
  reduction.set_layer_norm(options.layer_norm == LayerNorm::kL2 ? v1::LAYER_NORM_L2 : v1::LAYER_NORM_NONE);
  reduction.set_head_axis(options.head_axis == HeadAxis::kKvGroup ? v1::HEAD_AXIS_KV_GROUP : v1::HEAD_AXIS_QUERY);
  return reduction;
}

ReductionOptions FromProto(const v1::Reduction& reduction) {
  ReductionOptions options;
  options.loss_scale = FromWire(reduction.loss_scale());
  if (reduction.has_script_batch()) options.script_batch = reduction.script_batch();
  options.absolute = FromWire(reduction.absolute());
  options.positions = FromWire(reduction.positions());
  if (reduction.layer_norm() == v1::LAYER_NORM_L2) options.layer_norm = LayerNorm::kL2;
  if (reduction.head_axis() == v1::HEAD_AXIS_KV_GROUP) options.head_axis = HeadAxis::kKvGroup;
  return options;
}

v1::Execution ToProto(const ExecutionOptions& options) {
  v1::Execution execution;
  execution.set_priority(options.priority);
  if (options.batch_tokens) execution.set_batch_tokens(*options.batch_tokens);
  if (options.queue_ttl) *execution.mutable_queue_ttl() = ToProto(*options.queue_ttl);
  if (options.max_attempts) execution.set_max_attempts(*options.max_attempts);
  return execution;
}

}  // namespace headscope::client
