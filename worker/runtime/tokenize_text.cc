#include "worker/runtime/tokenize_text.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/sample_encoder.h"
#include "worker/runtime/passing_fault.h"
#include "worker/runtime/shard_failures.h"

namespace headscope::worker {
namespace {

ShardFailure NoTokenizer(const std::string& message) { return {.reason = "NO_TOKENIZER", .message = message}; }

// With a response the text is a sample's prompt and is read as one.
absl::StatusOr<std::vector<std::int32_t>> EncodePrompt(const Tokenizer& tokenizer, const TokenizeInput& input) {
  if (input.special_tokens && input.response.has_value()) return EncodeOpening(tokenizer, input.text);
  return tokenizer.Encode(input.text, input.special_tokens);
}

absl::StatusOr<TokenizeResult> Encode(const Tokenizer& tokenizer, const TokenizeInput& input) {
  absl::StatusOr<std::vector<std::int32_t>> ids = EncodePrompt(tokenizer, input);
  if (!ids.ok()) return ids.status();
  TokenizeResult result;
  result.prompt_tokens = static_cast<std::uint32_t>(ids->size());
  if (input.response.has_value()) {
    const absl::StatusOr<std::vector<std::int32_t>> response = tokenizer.Encode(*input.response, false);
    if (!response.ok()) return response.status();
    ids->insert(ids->end(), response->begin(), response->end());
  }
  absl::StatusOr<std::string> text = tokenizer.Decode(*ids);
  if (!text.ok()) return text.status();
  result.text = *std::move(text);
  for (const std::int32_t id : *ids) {
    result.ids.push_back(static_cast<std::uint32_t>(id));
    result.tokens.push_back(tokenizer.TokenString(id).value_or(""));
  }
  return result;
}

}  // namespace

ShardOutcome<TokenizeResult> TokenizeText(ShardSessionParts& parts, const TokenizeInput& input,
                                          const ShardControl& control) {
  const absl::StatusOr<ModelEntry> model = parts.catalogue.Resolve(input.model, control.cancelled);
  if (absl::IsCancelled(model.status())) return ShardStopped{};
  if (!model.ok()) return ModelFailure(model.status());
  if (!model->has_tokenizer) {
    return NoTokenizer(absl::StrCat(
        "model \"", input.model,
        "\" has neither tokenizer.json nor vocab.json and merges.txt: it takes samples with token_ids only"));
  }
  const absl::StatusOr<std::shared_ptr<const Tokenizer>> tokenizer = parts.tokenizers.Get(*model);
  if (MayPass(tokenizer.status()) || absl::IsAborted(tokenizer.status())) return ModelFailure(tokenizer.status());
  if (!tokenizer.ok()) {
    return NoTokenizer(
        absl::StrCat("the tokenizer of model \"", input.model, "\" cannot be used: ", tokenizer.status().message()));
  }
  absl::StatusOr<TokenizeResult> result = Encode(**tokenizer, input);
  if (!result.ok()) {
    const bool callers_fault = absl::IsInvalidArgument(result.status());
    return ShardFailure{.reason = callers_fault ? "INVALID_TEXT" : "INTERNAL",
                        .message = std::string(result.status().message())};
  }
  result->model_digest = model->digest;
  return *std::move(result);
}

}  // namespace headscope::worker
