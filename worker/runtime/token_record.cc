#include "worker/runtime/token_record.h"

#include <string_view>

#include "proto/support/limits.h"
#include "proto/support/utf8.h"
#include "worker/model/packed_batch.h"

namespace headscope::worker {
namespace {

// Empty for an id that only the model knows: its embedding may have more rows than the tokenizer has tokens.
std::string StringOf(const Tokenizer& tokenizer, std::int32_t id) {
  std::string text = tokenizer.TokenString(id).value_or("");
  text.resize(ValidUtf8Prefix(std::string_view(text).substr(0, kMaxTokenStringBytes)));
  return text;
}

}  // namespace

TokenRecord RecordTokens(const std::vector<EncodedSample>& samples, const Tokenizer* tokenizer) {
  TokenRecord record;
  // The batch that the engine would read says which tokens it supervises.
  PackedBatch packed;
  for (const EncodedSample& sample : samples) packed.Add(sample.ids, sample.prompt_tokens);
  for (std::int64_t sample = 0; sample < packed.size(); ++sample) {
    const std::int64_t supervised = packed.ResponseTokens(sample);
    record.response_mask.append(static_cast<std::size_t>(packed.Length(sample) - supervised), '\0');
    record.response_mask.append(static_cast<std::size_t>(supervised), '\1');
  }
  record.ids.assign(packed.token_ids.begin(), packed.token_ids.end());
  if (tokenizer == nullptr) return record;
  record.strings.reserve(packed.token_ids.size());
  for (const std::int32_t id : packed.token_ids) record.strings.push_back(StringOf(*tokenizer, id));
  return record;
}

std::uint64_t RecordBytes(const TokenRecord& record) {
  std::uint64_t bytes = record.ids.size() * (sizeof(std::uint32_t) + 1);
  for (const std::string& text : record.strings) bytes += sizeof(std::uint32_t) + text.size();
  return bytes;
}

}  // namespace headscope::worker
