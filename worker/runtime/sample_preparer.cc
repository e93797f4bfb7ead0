#include "worker/runtime/sample_preparer.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/utf8.h"
#include "worker/runtime/passing_fault.h"

namespace headscope::worker {
namespace {

// Ids beyond what a model can have become -1, which is outside of every vocabulary.
std::int32_t ToId(std::uint32_t id) {
  constexpr std::uint32_t kLargest = std::numeric_limits<std::int32_t>::max();
  return id > kLargest ? -1 : static_cast<std::int32_t>(id);
}

bool IsText(const Sample& sample) { return !std::holds_alternative<TokenIds>(sample.input); }

bool HasValidText(const Sample& sample) {
  if (const auto* pair = std::get_if<TextPair>(&sample.input)) return IsUtf8(pair->prompt) && IsUtf8(pair->response);
  if (const auto* plain = std::get_if<PlainText>(&sample.input)) return IsUtf8(plain->text);
  return true;
}

}  // namespace

absl::StatusOr<SamplePreparer> SamplePreparer::Make(const ModelEntry& model, const ComputeRequest& compute,
                                                    TokenizerCache& tokenizers) {
  SamplePreparer preparer;
  preparer.options_.max_tokens = compute.max_tokens;
  preparer.options_.positions = model.positions;
  preparer.options_.vocabulary = model.vocabulary;
  if (!model.has_tokenizer) {
    preparer.no_tokenizer_ =
        "the model has neither tokenizer.json nor vocab.json and merges.txt; send token_ids instead of text";
    return preparer;
  }
  absl::StatusOr<std::shared_ptr<const Tokenizer>> tokenizer = tokenizers.Get(model);
  if (MayPass(tokenizer.status()) || absl::IsAborted(tokenizer.status())) return tokenizer.status();
  if (!tokenizer.ok()) {
    preparer.no_tokenizer_ = absl::StrCat("the model's tokenizer cannot be used: ", tokenizer.status().message());
    return preparer;
  }
  preparer.tokenizer_ = *std::move(tokenizer);
  if (!compute.append_eos) return preparer;
  const absl::StatusOr<std::int32_t> end = tokenizers.EndOfSequence(model, *preparer.tokenizer_);
  if (MayPass(end.status())) return end.status();
  if (end.ok()) {
    preparer.options_.end_of_sequence = *end;
  } else {
    preparer.no_end_of_sequence_ = std::string(end.status().message());
  }
  return preparer;
}

absl::StatusOr<EncodedSample> SamplePreparer::Encode(const Sample& sample, const EncodeOptions& options) const {
  if (const auto* pair = std::get_if<TextPair>(&sample.input)) {
    return EncodePair(*tokenizer_, pair->prompt, pair->response, options);
  }
  if (const auto* plain = std::get_if<PlainText>(&sample.input)) return EncodeText(*tokenizer_, plain->text, options);
  const TokenIds& tokens = std::get<TokenIds>(sample.input);
  std::vector<std::int32_t> ids(tokens.ids.size());
  std::transform(tokens.ids.begin(), tokens.ids.end(), ids.begin(), ToId);
  return CheckTokenIds(std::move(ids), tokens.prompt_tokens, options);
}

// The encoder words the fault; which kind it is shows by taking the limits away one after the other.
std::string SamplePreparer::ReasonOf(const Sample& sample) const {
  if (!HasValidText(sample)) return "INVALID_TEXT";
  EncodeOptions any_id = options_;
  any_id.vocabulary = std::numeric_limits<std::int32_t>::max();
  // Ids that no model can have are -1 and stay outside.
  if (Encode(sample, any_id).ok()) return "TOKEN_OUT_OF_RANGE";
  EncodeOptions any_length = options_;
  any_length.positions = std::numeric_limits<std::int64_t>::max();
  any_length.vocabulary = std::numeric_limits<std::int32_t>::max();
  if (Encode(sample, any_length).ok()) return "TOO_LONG";
  if (const auto* tokens = std::get_if<TokenIds>(&sample.input)) {
    const auto huge = [](std::uint32_t id) { return ToId(id) < 0; };
    if (std::any_of(tokens->ids.begin(), tokens->ids.end(), huge)) return "TOKEN_OUT_OF_RANGE";
  }
  return "EMPTY_RESPONSE";
}

std::variant<EncodedSample, SampleFault> SamplePreparer::Prepare(const Sample& sample) const {
  if (IsText(sample) && tokenizer_ == nullptr) return SampleFault{"NO_TOKENIZER", no_tokenizer_};
  if (IsText(sample) && !no_end_of_sequence_.empty()) return SampleFault{"NO_END_OF_SEQUENCE", no_end_of_sequence_};
  absl::StatusOr<EncodedSample> encoded = Encode(sample, options_);
  if (encoded.ok()) return *std::move(encoded);
  return SampleFault{ReasonOf(sample), std::string(encoded.status().message())};
}

}  // namespace headscope::worker
