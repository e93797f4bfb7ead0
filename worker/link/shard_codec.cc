#include "worker/link/shard_codec.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "proto/support/limits.h"
#include "proto/support/utf8.h"
#include "proto/support/wire/block_digest.h"
#include "proto/support/wire/tensor_codec.h"
#include "worker/link/wire_text.h"

namespace headscope::worker {
namespace {

using Part = v1::CompleteShardRequest;

// What a block's content may take, with room for tags and lengths.
constexpr std::size_t kBlockBytes = kMaxBlockBytes / 10 * 8;
constexpr std::size_t kMaxMessageText = 1024;

ComputeRequest FromProto(const headscope::v1::Compute& compute) {
  ComputeRequest request;
  if (compute.has_append_eos()) request.append_eos = compute.append_eos();
  if (compute.has_max_tokens()) request.max_tokens = compute.max_tokens();
  request.record_tokens = compute.record_tokens();
  switch (compute.dtype()) {
    case headscope::v1::DTYPE_UNSPECIFIED:
    case headscope::v1::DTYPE_FLOAT32:
      request.dtype = "float32";
      break;
    case headscope::v1::DTYPE_FLOAT64:
      request.dtype = "float64";
      break;
    case headscope::v1::DTYPE_BFLOAT16:
      request.dtype = "bfloat16";
      break;
    default:
      // Of a newer server; refused by name.
      request.dtype = absl::StrCat("dtype ", static_cast<int>(compute.dtype()));
  }
  switch (compute.engine()) {
    case headscope::v1::ENGINE_UNSPECIFIED:
    case headscope::v1::ENGINE_FAST:
      request.engine = "fast";
      break;
    case headscope::v1::ENGINE_REFERENCE:
      request.engine = "reference";
      break;
    default:
      request.engine = absl::StrCat("engine ", static_cast<int>(compute.engine()));
  }
  return request;
}

// Collects parts and digests what goes by.
class PartsBuilder {
 public:
  PartsBuilder(Part::Header header, const std::string& model_digest) {
    header.set_model_digest(model_digest);
    *parts_.emplace_back().mutable_header() = std::move(header);
  }
  void Add(v1::ScoreBlock block) {
    digest_.Add(block);
    *parts_.emplace_back().mutable_scores() = std::move(block);
  }
  void Add(v1::TokenBlock block) {
    digest_.Add(block);
    *parts_.emplace_back().mutable_tokens() = std::move(block);
  }
  void Add(v1::PrepareBlock block) {
    digest_.Add(block);
    *parts_.emplace_back().mutable_prepared() = std::move(block);
  }
  void Add(v1::TokenizeBlock block) {
    digest_.Add(block);
    *parts_.emplace_back().mutable_tokenized() = std::move(block);
  }
  std::vector<Part> Finish() {
    parts_.emplace_back().mutable_commit()->set_sha256(digest_.Finish());
    return std::move(parts_);
  }

 private:
  std::vector<Part> parts_;
  BlockDigest digest_;
};

// Samples [begin, end) of `result`.
v1::ScoreBlock MakeScoreBlock(const ScoreResult& result, std::size_t begin, std::size_t end) {
  v1::ScoreBlock block;
  const std::size_t matrix = static_cast<std::size_t>(result.layers) * result.heads;
  for (std::size_t sample = begin; sample < end; ++sample) {
    block.add_samples(result.samples[sample]);
    block.add_tokens(result.tokens[sample]);
    block.add_response_tokens(result.response_tokens[sample]);
    block.add_objective(result.objective[sample]);
  }
  const std::vector<std::uint32_t> shape = {static_cast<std::uint32_t>(end - begin), result.layers, result.heads};
  for (const auto& [name, values] : result.planes) {
    const auto part = absl::MakeConstSpan(values).subspan(begin * matrix, (end - begin) * matrix);
    (*block.mutable_planes())[name] = EncodeTensor(part, shape);
  }
  return block;
}

// Cuts where the next token would not fit.
void AddTokens(const TokenRecord& record, PartsBuilder& parts) {
  // An id of at most 5 bytes, its mask, a string's tag and length.
  constexpr std::size_t kTokenBytes = 5 + 1 + 3;
  v1::TokenBlock block;
  std::size_t bytes = 0;
  for (std::size_t token = 0; token < record.ids.size(); ++token) {
    const std::size_t more = kTokenBytes + (record.strings.empty() ? 0 : record.strings[token].size());
    if (bytes + more > kBlockBytes && bytes > 0) {
      parts.Add(std::exchange(block, {}));
      bytes = 0;
    }
    bytes += more;
    block.add_ids(record.ids[token]);
    block.mutable_response_mask()->push_back(record.response_mask[token]);
    if (!record.strings.empty()) block.add_strings(record.strings[token]);
  }
  if (bytes > 0) parts.Add(std::move(block));
}

// The longest prefix of `text` of at most `max_bytes` that ends between characters. `text` is UTF-8.
std::string_view TakeText(std::string_view& text, std::size_t max_bytes) {
  const std::string_view taken = text.substr(0, ValidUtf8Prefix(text.substr(0, max_bytes)));
  text.remove_prefix(taken.size());
  return taken;
}

}  // namespace

ShardInput FromProto(const v1::Shard& shard) {
  ShardInput input;
  input.model = shard.model();
  input.model_digest = shard.model_digest();
  input.compute = FromProto(shard.compute());
  input.batch_tokens = shard.batch_tokens();
  input.max_result_bytes = shard.max_result_bytes();
  return input;
}

TokenizeInput TokenizeFromProto(const v1::Shard& shard) {
  TokenizeInput input;
  input.model = shard.model();
  input.text = shard.tokenize().text();
  if (shard.tokenize().has_response()) input.response = shard.tokenize().response();
  input.special_tokens = shard.tokenize().special_tokens();
  return input;
}

std::vector<Part> ToParts(Part::Header header, const ScoreResult& result) {
  header.set_batch_tokens(result.batch_tokens);
  header.set_batches(result.batches);
  header.set_padded_tokens(result.padded_tokens);
  header.set_compute_seconds(result.compute_seconds);
  PartsBuilder parts(std::move(header), result.model_digest);
  const std::size_t matrix = static_cast<std::size_t>(result.layers) * result.heads;
  const std::size_t bytes_per_sample = matrix * sizeof(float) * result.planes.size() + 32;
  const std::size_t samples_per_block = std::max<std::size_t>(1, kBlockBytes / bytes_per_sample);
  for (std::size_t begin = 0; begin < result.samples.size(); begin += samples_per_block) {
    parts.Add(MakeScoreBlock(result, begin, std::min(begin + samples_per_block, result.samples.size())));
  }
  if (result.recorded) AddTokens(*result.recorded, parts);
  return parts.Finish();
}

std::vector<Part> ToParts(Part::Header header, const PrepareResult& result) {
  PartsBuilder parts(std::move(header), result.model_digest);
  v1::PrepareBlock block;
  std::size_t bytes = 0;
  const auto grow = [&](std::size_t more) {
    if (bytes > 0 && bytes + more > kBlockBytes) {
      parts.Add(std::exchange(block, {}));
      bytes = 0;
    }
    bytes += more;
  };
  for (const PreparedSample& sample : result.valid) {
    grow(3 * 5);
    block.add_samples(sample.index);
    block.add_tokens(sample.tokens);
    block.add_prompt_tokens(sample.prompt_tokens);
  }
  for (const InvalidSample& sample : result.invalid) {
    const std::string message = WireText(sample.message, kMaxMessageText);
    grow(sample.id.size() + sample.reason.size() + message.size() + 32);
    headscope::v1::InvalidSample& out = *block.add_invalid();
    out.set_index(sample.index);
    out.set_id(sample.id);
    out.set_reason(sample.reason);
    out.set_message(message);
  }
  if (bytes > 0) parts.Add(std::move(block));
  return parts.Finish();
}

std::vector<Part> ToParts(Part::Header header, const TokenizeResult& result) {
  PartsBuilder parts(std::move(header), result.model_digest);
  std::string_view text = result.text;
  std::size_t next = 0;
  bool first = true;
  while (first || next < result.ids.size() || !text.empty()) {
    v1::TokenizeBlock block;
    if (first && result.prompt_tokens.has_value()) block.set_prompt_tokens(*result.prompt_tokens);
    first = false;
    std::size_t bytes = 0;
    for (; next < result.ids.size(); ++next) {
      bytes += result.tokens[next].size() + 10;
      if (bytes > kBlockBytes / 2 && block.ids_size() > 0) break;
      block.add_ids(result.ids[next]);
      block.add_tokens(result.tokens[next]);
    }
    block.set_text(std::string(TakeText(text, kBlockBytes / 2)));
    parts.Add(std::move(block));
  }
  return parts.Finish();
}

void FillFailure(const ShardFailure& failure, v1::FailShardRequest& request) {
  request.mutable_failure()->set_reason(failure.reason);
  request.mutable_failure()->set_message(WireText(failure.message, kMaxMessageText));
  request.set_retryable(failure.retryable);
  if (failure.suggested_batch_tokens.has_value()) {
    request.set_suggested_batch_tokens(*failure.suggested_batch_tokens);
  }
}

}  // namespace headscope::worker
