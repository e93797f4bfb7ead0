#include "server/service/request_hash.h"

#include <optional>

#include "absl/time/time.h"
#include "proto/support/sha256.h"

namespace headscope::server {
namespace {

// Goes up when the encoding changes.
constexpr std::uint32_t kVersion = 1;

// One number of its own for "absent".
void UpdateOptional(const std::optional<std::uint32_t>& value, Sha256& hash) {
  hash.UpdateU32(value.has_value() ? 1 : 0);
  hash.UpdateU32(value.value_or(0));
}

template <typename Enum>
void UpdateEnum(Enum value, Sha256& hash) {
  hash.UpdateU32(static_cast<std::uint32_t>(value));
}

void Update(const ComputeOptions& options, Sha256& hash) {
  hash.UpdateString(options.method);
  UpdateEnum(options.engine, hash);
  UpdateEnum(options.dtype, hash);
  hash.UpdateU32(options.append_eos ? 1 : 0);
  UpdateOptional(options.max_tokens, hash);
  UpdateEnum(options.on_invalid, hash);
}

void Update(const ReductionOptions& options, Sha256& hash) {
  UpdateEnum(options.loss_scale, hash);
  hash.UpdateU32(options.script_batch);
  UpdateEnum(options.absolute, hash);
  UpdateEnum(options.positions, hash);
  UpdateEnum(options.layer_norm, hash);
  UpdateEnum(options.head_axis, hash);
}

}  // namespace

std::string RequestHash(const JobSpec& spec) {
  Sha256 hash;
  hash.UpdateU32(kVersion);
  hash.UpdateString(spec.model);
  hash.UpdateString(spec.model_digest);
  hash.UpdateString(spec.dataset);
  Update(spec.compute, hash);
  Update(spec.reduction, hash);
  hash.UpdateU32(static_cast<std::uint32_t>(spec.priority));
  UpdateOptional(spec.batch_tokens, hash);
  hash.UpdateU64(spec.queue_ttl ? static_cast<std::uint64_t>(absl::ToInt64Milliseconds(*spec.queue_ttl)) : 0);
  hash.UpdateU32(spec.max_attempts);
  hash.UpdateU32(static_cast<std::uint32_t>(spec.labels.size()));
  for (const auto& [key, value] : spec.labels) {
    hash.UpdateString(key);
    hash.UpdateString(value);
  }
  // Only where it is asked for: requests of earlier clients keep their hashes.
  if (spec.compute.record_tokens) hash.UpdateString("record_tokens");
  return ToHex(hash.Finish());
}

std::string RequestHash(const SweepSpec& spec) {
  Sha256 hash;
  hash.UpdateU32(kVersion);
  hash.UpdateU32(static_cast<std::uint32_t>(spec.models.size()));
  for (const std::string& model : spec.models) hash.UpdateString(model);
  hash.UpdateU32(static_cast<std::uint32_t>(spec.datasets.size()));
  for (const SweepDataset& dataset : spec.datasets) {
    hash.UpdateString(dataset.digest);
    hash.UpdateString(dataset.task);
  }
  hash.UpdateString(RequestHash(spec.common));
  return ToHex(hash.Finish());
}

}  // namespace headscope::server
