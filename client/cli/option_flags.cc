#include "client/cli/option_flags.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "client/headscope/rows.h"

namespace headscope::cli {
namespace {

constexpr std::uint64_t kMaxU32 = std::numeric_limits<std::uint32_t>::max();

// Sets `value` when the flag was given.
absl::Status ReadU32(const Arguments& arguments, const std::string& flag, std::uint32_t least,
                     std::optional<std::uint32_t>& value) {
  const auto number = arguments.Number(flag, least, kMaxU32);
  if (!number.ok()) return number.status();
  if (*number) value = static_cast<std::uint32_t>(**number);
  return absl::OkStatus();
}

absl::Status ReadLossScale(const Arguments& arguments, client::ReductionOptions& reduction) {
  if (arguments.Has("loss-scale")) reduction.script_batch.reset();
  if (absl::Status status = arguments.Choice("loss-scale", reduction.loss_scale); !status.ok()) return status;
  if (!arguments.Has("script-batch")) return absl::OkStatus();
  if (!arguments.Has("loss-scale")) reduction.loss_scale = client::LossScale::kBatchTokenMean;
  if (reduction.loss_scale != client::LossScale::kBatchTokenMean) {
    return UsageError(absl::StrCat("--script-batch belongs to --loss-scale batch-token-mean, found --loss-scale ",
                                   client::NameOf(reduction.loss_scale)));
  }
  return ReadU32(arguments, "script-batch", 1, reduction.script_batch);
}

}  // namespace

std::vector<Flag> ReductionFlags() {
  return {{"loss-scale", "S", "per-sample-mean (default), sum, or batch-token-mean (the paper's script)"},
          {"script-batch", "N", "batch size of batch-token-mean, which it implies (default 4)"},
          {"absolute", "A", "where |.| is taken: per-sample (default), none, per-token"},
          {"positions", "P", "query positions: all (default), prompt, response"},
          {"layer-norm", "N", "none (default), or l2: every layer divided by its norm"},
          {"head-axis", "H", "query (default), or kv: one column per key-value head"}};
}

std::vector<Flag> ComputeFlags() {
  return {{"method", "METHOD", "how heads are scored: gradient (default)"},
          {"engine", "ENGINE", "fast (default), or reference: automatic differentiation (the default of float64)"},
          {"dtype", "TYPE", "float32 (default), float64 (reference engine), bfloat16 (products; fast engine)"},
          {"append-eos", "true|false", "append the end-of-sequence token to text (default true)"},
          {"max-tokens", "N", "keep the first N tokens of every sample (default: all)"},
          {"on-invalid", "refuse|skip", "samples that the model cannot take: fail (default) or leave out"},
          {"tokens", "", "store every sample's token ids, token strings and response mask (shown by --samples, json)"}};
}

bool HasReductionFlags(const Arguments& arguments) {
  for (const Flag& flag : ReductionFlags()) {
    if (arguments.Has(flag.name)) return true;
  }
  return false;
}

absl::StatusOr<client::ReductionOptions> ReadReduction(const Arguments& arguments, client::ReductionOptions base) {
  absl::Status status = ReadLossScale(arguments, base);
  status.Update(arguments.Choice("absolute", base.absolute));
  status.Update(arguments.Choice("positions", base.positions));
  status.Update(arguments.Choice("layer-norm", base.layer_norm));
  status.Update(arguments.Choice("head-axis", base.head_axis));
  if (!status.ok()) return status;
  return base;
}

absl::StatusOr<client::ComputeOptions> ReadCompute(const Arguments& arguments) {
  client::ComputeOptions options;
  if (const auto method = arguments.Get("method"); method && *method != "gradient") {
    return Arguments::NotOneOf("method", *method, {"gradient"});
  }
  client::Engine engine = client::Engine::kFast;
  absl::Status status = arguments.Choice("engine", engine);
  if (arguments.Has("engine")) options.engine = engine;
  status.Update(arguments.Choice("dtype", options.dtype));
  status.Update(arguments.Choice("on-invalid", options.on_invalid));
  status.Update(ReadU32(arguments, "max-tokens", 2, options.max_tokens));
  const auto append_eos = arguments.Boolean("append-eos");
  status.Update(append_eos.status());
  if (!status.ok()) return status;
  options.append_eos = append_eos->value_or(true);
  options.record_tokens = arguments.Has("tokens");
  return options;
}

std::vector<Flag> JobFlags() {
  std::vector<Flag> flags = ComputeFlags();
  for (const Flag& flag : ReductionFlags()) flags.push_back(flag);
  flags.push_back({"limit", "N", "read the first N rows only (default: all)"});
  flags.push_back({"batch-tokens", "N",
                   "tokens in one batch (default: what the workers recommend); changes speed and memory, no result"});
  return flags;
}

absl::StatusOr<JobOptions> ReadJobOptions(const Arguments& arguments) {
  const auto compute = ReadCompute(arguments);
  const auto reduction = ReadReduction(arguments, {});
  const auto limit = arguments.Number("limit", 1, client::RowReader::kNoLimit - 1);
  const auto batch_tokens = arguments.Number("batch-tokens", 1, std::numeric_limits<std::uint32_t>::max());
  const auto labels = arguments.Pairs("label");
  absl::Status status = compute.status();
  for (const absl::Status& other : {reduction.status(), limit.status(), batch_tokens.status(), labels.status()}) {
    status.Update(other);
  }
  if (!status.ok()) return status;
  JobOptions options{*compute, *reduction, {}, *labels, *limit};
  if (*batch_tokens) options.execution.batch_tokens = static_cast<std::uint32_t>(**batch_tokens);
  return options;
}

}  // namespace headscope::cli
