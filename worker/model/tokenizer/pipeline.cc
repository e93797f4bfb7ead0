#include "worker/model/tokenizer/pipeline.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/bpe_loader.h"
#include "worker/model/tokenizer/normalizer.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

// Places within a word are 32-bit numbers.
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

absl::Status CheckText(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the text has ", text.size(), " bytes, at most ", kMaxTextBytes, " are tokenized"));
  }
  if (const auto offset = FindInvalidUtf8(text); offset.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the text is not valid UTF-8 at byte ", *offset, " of ", text.size()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> Pipeline::Create(const Json& tokenizer) {
  if (auto status = CheckNormalizer(tokenizer); !status.ok()) return status;
  auto pre_tokenizers = LoadPreTokenizers(tokenizer);
  if (!pre_tokenizers.ok()) return pre_tokenizers.status();
  auto post_processors = LoadPostProcessors(tokenizer);
  if (!post_processors.ok()) return post_processors.status();
  auto decoder = LoadDecoder(tokenizer);
  if (!decoder.ok()) return decoder.status();
  const auto section = RequireObject(tokenizer, "model", "");
  if (!section.ok()) return section.status();
  auto model = LoadBpeModel(**section);
  if (!model.ok()) return model.status();
  auto tokens = LoadAddedTokens(tokenizer, (*model)->vocabulary());
  if (!tokens.ok()) return tokens.status();

  Vocabulary added;
  for (const AddedToken& token : *tokens) {
    if (auto status = added.Add(token.content, token.id); !status.ok())
      return Malformed("added_tokens:", std::string(status.message()));
  }
  const auto raw_end =
      std::stable_partition(tokens->begin(), tokens->end(), [](const AddedToken& token) { return !token.normalized; });
  auto in_raw_text = AddedTokenSplitter::Create({tokens->begin(), raw_end});
  if (!in_raw_text.ok()) return in_raw_text.status();
  auto in_normalized_text = AddedTokenSplitter::Create({raw_end, tokens->end()});
  if (!in_normalized_text.ok()) return in_normalized_text.status();
  return std::unique_ptr<const Tokenizer>(new Pipeline(Parts{.model = *std::move(model),
                                                             .added = std::move(added),
                                                             .in_raw_text = *std::move(in_raw_text),
                                                             .in_normalized_text = *std::move(in_normalized_text),
                                                             .pre_tokenizers = *std::move(pre_tokenizers),
                                                             .post_processors = *std::move(post_processors),
                                                             .decoder = *std::move(decoder)}));
}

absl::StatusOr<std::vector<std::int32_t>> Pipeline::Encode(std::string_view text, bool add_special_tokens) const {
  if (auto status = CheckText(text); !status.ok()) return status;
  std::vector<std::int32_t> ids;
  for (const auto& segment : parts_.in_raw_text.Split(text)) {
    if (segment.id.has_value()) {
      ids.push_back(*segment.id);
    } else if (auto status = EncodeStretch(segment.text, ids); !status.ok()) {
      return status;
    }
  }
  if (!add_special_tokens) return ids;
  for (const auto& step : parts_.post_processors) ids = step->Process(std::move(ids));
  return ids;
}

absl::Status Pipeline::EncodeStretch(std::string_view text, std::vector<std::int32_t>& ids) const {
  for (const auto& segment : parts_.in_normalized_text.Split(text)) {
    if (segment.id.has_value()) {
      ids.push_back(*segment.id);
    } else if (auto status = EncodeWords(segment.text, ids); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Pipeline::EncodeWords(std::string_view text, std::vector<std::int32_t>& ids) const {
  const auto words = PreTokenize(parts_.pre_tokenizers, text);
  if (!words.ok()) return words.status();
  for (const std::string& word : *words) parts_.model->Tokenize(word, ids);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Pipeline::Decode(const std::vector<std::int32_t>& ids) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (std::size_t index = 0; index < ids.size(); ++index) {
    const std::string* token = FindToken(ids[index]);
    if (token == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("token id ", ids[index], " at index ", index,
                                                     " is unknown to the tokenizer, whose ids are below ", size()));
    }
    tokens.push_back(*token);
  }
  return parts_.decoder->Decode(tokens);
}

std::optional<std::string> Pipeline::TokenString(std::int32_t id) const {
  const std::string* token = FindToken(id);
  if (token == nullptr) return std::nullopt;
  return *token;
}

std::optional<std::int32_t> Pipeline::TokenId(std::string_view token) const {
  if (const auto id = parts_.added.FindId(token); id.has_value()) return id;
  return parts_.model->vocabulary().FindId(token);
}

std::int32_t Pipeline::size() const { return std::max(parts_.model->vocabulary().size(), parts_.added.size()); }

const std::string* Pipeline::FindToken(std::int32_t id) const {
  const std::string* token = parts_.added.FindToken(id);
  return token != nullptr ? token : parts_.model->vocabulary().FindToken(id);
}

}  // namespace headscope::worker::tokenization
