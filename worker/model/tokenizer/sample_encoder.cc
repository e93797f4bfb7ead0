#include "worker/model/tokenizer/sample_encoder.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

absl::Status AtFault(std::string_view part, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("the ", absl::string_view(part.data(), part.size()),
                                                  " cannot be tokenized: ", status.message()));
}

void AppendEndOfSequence(const EncodeOptions& options, std::vector<std::int32_t>& ids) {
  if (!options.end_of_sequence.has_value()) return;
  if (!ids.empty() && ids.back() == *options.end_of_sequence) return;
  ids.push_back(*options.end_of_sequence);
}

absl::Status CheckVocabulary(const std::vector<std::int32_t>& ids, const EncodeOptions& options) {
  for (std::size_t index = 0; index < ids.size(); ++index) {
    if (ids[index] >= 0 && ids[index] < options.vocabulary) continue;
    std::string fault = absl::StrCat("token id ", ids[index], " at index ", index,
                                     " is outside the model's vocabulary of ", options.vocabulary, " tokens");
    if (options.end_of_sequence == ids[index]) {
      absl::StrAppend(&fault, " (it is the end-of-sequence token; --append-eos false leaves it out)");
    }
    return absl::InvalidArgumentError(fault);
  }
  return absl::OkStatus();
}

// At least one token must be supervised; the first token of a row has nothing before it and never is.
absl::Status CheckSupervised(const EncodedSample& sample, std::int64_t length_before_cut,
                             const EncodeOptions& options) {
  const std::int64_t first_supervised = std::max<std::int64_t>(sample.prompt_tokens, 1);
  if (static_cast<std::int64_t>(sample.ids.size()) > first_supervised) return absl::OkStatus();
  if (length_before_cut > first_supervised) {
    return absl::InvalidArgumentError(absl::StrCat("the response is cut away whole: its first scored token is number ",
                                                   first_supervised + 1, " and --max-tokens keeps ",
                                                   *options.max_tokens, " of the ", length_before_cut, " tokens"));
  }
  if (sample.prompt_tokens == 0) {
    return absl::InvalidArgumentError(absl::StrCat("no token can be scored: the sample has ", length_before_cut,
                                                   " tokens without a prompt and needs at least 2"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the response is empty: all ", length_before_cut, " tokens are prompt, so no token can be scored"));
}

absl::StatusOr<EncodedSample> CutAndCheck(EncodedSample sample, const EncodeOptions& options) {
  const auto length = static_cast<std::int64_t>(sample.ids.size());
  if (options.max_tokens.has_value() && length > static_cast<std::int64_t>(*options.max_tokens)) {
    sample.ids.resize(*options.max_tokens);
    sample.cut_tokens = length - static_cast<std::int64_t>(*options.max_tokens);
  }
  if (auto status = CheckSupervised(sample, length, options); !status.ok()) return status;
  if (static_cast<std::int64_t>(sample.ids.size()) > options.positions) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sample has ", sample.ids.size(), " tokens and the model has ", options.positions,
                     " positions; shorten it, or keep its first tokens with --max-tokens ", options.positions));
  }
  if (auto status = CheckVocabulary(sample.ids, options); !status.ok()) return status;
  return sample;
}

}  // namespace

absl::StatusOr<std::vector<std::int32_t>> EncodeOpening(const Tokenizer& tokenizer, std::string_view text) {
  auto ids = tokenizer.Encode(text, /*add_special_tokens=*/true);
  if (!ids.ok()) return ids.status();
  const std::vector<std::int32_t> leading = tokenizer.LeadingSpecialTokens();
  const auto size = static_cast<std::ptrdiff_t>(leading.size());
  if (std::ssize(*ids) >= 2 * size && std::equal(leading.begin(), leading.end(), ids->begin() + size)) {
    ids->erase(ids->begin(), ids->begin() + size);
  }
  return ids;
}

absl::StatusOr<EncodedSample> EncodePair(const Tokenizer& tokenizer, std::string_view prompt, std::string_view response,
                                         const EncodeOptions& options) {
  auto prompt_ids = EncodeOpening(tokenizer, prompt);
  if (!prompt_ids.ok()) return AtFault("prompt", prompt_ids.status());
  auto response_ids = tokenizer.Encode(response, /*add_special_tokens=*/false);
  if (!response_ids.ok()) return AtFault("response", response_ids.status());
  if (response_ids->empty()) {
    return absl::InvalidArgumentError("the response is empty: it has no token to score");
  }
  AppendEndOfSequence(options, *response_ids);
  EncodedSample sample{.ids = *std::move(prompt_ids)};
  sample.prompt_tokens = static_cast<std::int64_t>(sample.ids.size());
  sample.ids.insert(sample.ids.end(), response_ids->begin(), response_ids->end());
  return CutAndCheck(std::move(sample), options);
}

absl::StatusOr<EncodedSample> EncodeText(const Tokenizer& tokenizer, std::string_view text,
                                         const EncodeOptions& options) {
  if (text.empty()) return absl::InvalidArgumentError("the text is empty: it has no token to score");
  auto ids = EncodeOpening(tokenizer, text);
  if (!ids.ok()) return AtFault("text", ids.status());
  AppendEndOfSequence(options, *ids);
  if (ids->size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat("no token can be scored: the text has ", ids->size(), " token",
                                                   ids->size() == 1 ? "" : "s",
                                                   " and needs at least 2, since the first is no response"));
  }
  return CutAndCheck(EncodedSample{.ids = *std::move(ids), .prompt_tokens = 1}, options);
}

absl::StatusOr<EncodedSample> CheckTokenIds(std::vector<std::int32_t> ids, std::int64_t prompt_tokens,
                                            const EncodeOptions& options) {
  if (prompt_tokens < 0 || prompt_tokens > static_cast<std::int64_t>(ids.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("prompt_tokens is ", prompt_tokens, " and the row has ", ids.size(), " token ids"));
  }
  EncodeOptions without_end = options;
  without_end.end_of_sequence.reset();
  return CutAndCheck(EncodedSample{.ids = std::move(ids), .prompt_tokens = prompt_tokens}, without_end);
}

}  // namespace headscope::worker
