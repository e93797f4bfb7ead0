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

// A pre-tokenizer that treats the start of the text in its own way needs a normalizer that leaves it where it was: what
// else the reference library does follows from its record of which character came from where.
absl::Status CheckStart(const Normalizers& normalizers, const PreTokenizers& pre_tokenizers) {
  const bool minds =
      std::any_of(pre_tokenizers.begin(), pre_tokenizers.end(), [](const auto& step) { return step->MindsStart(); });
  const bool keeps =
      std::all_of(normalizers.begin(), normalizers.end(), [](const auto& step) { return step->KeepsStart(); });
  if (!minds || keeps) return absl::OkStatus();
  return Unsupported("pre_tokenizer Metaspace prepend_scheme \"first\"",
                     "behind a normalizer that moves the text's start");
}

// An added token that is matched in normalized text is normalized like text.
absl::Status NormalizeContent(const Normalizers& normalizers, AddedToken& token) {
  auto content = Normalize(normalizers, token.content);
  if (!content.ok()) return content.status();
  if (content->empty()) {
    return Malformed("added_tokens:", absl::StrCat("the normalizer leaves nothing of ", Quoted(token.content)));
  }
  token.content = *std::move(content);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> Pipeline::Create(const Json& tokenizer) {
  auto parts = LoadParts(tokenizer);
  if (!parts.ok()) return parts.status();
  if (auto status = LoadTokens(tokenizer, *parts); !status.ok()) return status;
  return std::unique_ptr<const Tokenizer>(new Pipeline(*std::move(parts)));
}

absl::StatusOr<Pipeline::Parts> Pipeline::LoadParts(const Json& tokenizer) {
  auto normalizers = LoadNormalizers(tokenizer);
  if (!normalizers.ok()) return normalizers.status();
  auto pre_tokenizers = LoadPreTokenizers(tokenizer);
  if (!pre_tokenizers.ok()) return pre_tokenizers.status();
  if (auto status = CheckStart(*normalizers, *pre_tokenizers); !status.ok()) return status;
  auto post_processors = LoadPostProcessors(tokenizer);
  if (!post_processors.ok()) return post_processors.status();
  auto decoders = LoadDecoders(tokenizer);
  if (!decoders.ok()) return decoders.status();
  const auto section = RequireObject(tokenizer, "model", "");
  if (!section.ok()) return section.status();
  auto model = LoadBpeModel(**section);
  if (!model.ok()) return model.status();
  Parts parts;
  parts.model = *std::move(model);
  parts.normalizers = *std::move(normalizers);
  parts.pre_tokenizers = *std::move(pre_tokenizers);
  parts.post_processors = *std::move(post_processors);
  parts.decoders = *std::move(decoders);
  return parts;
}

absl::Status Pipeline::LoadTokens(const Json& tokenizer, Parts& parts) {
  auto tokens = LoadAddedTokens(tokenizer, parts.model->vocabulary());
  if (!tokens.ok()) return tokens.status();
  for (const AddedToken& token : *tokens) {
    if (auto status = parts.added.Add(token.content, token.id); !status.ok())
      return Malformed("added_tokens:", std::string(status.message()));
  }
  const auto raw_end =
      std::stable_partition(tokens->begin(), tokens->end(), [](const AddedToken& token) { return !token.normalized; });
  auto in_raw_text = AddedTokenSplitter::Create({tokens->begin(), raw_end});
  if (!in_raw_text.ok()) return in_raw_text.status();
  parts.in_raw_text = *std::move(in_raw_text);
  for (auto token = raw_end; token != tokens->end(); ++token) {
    if (auto status = NormalizeContent(parts.normalizers, *token); !status.ok()) return status;
  }
  auto in_normalized_text = AddedTokenSplitter::Create({raw_end, tokens->end()});
  if (!in_normalized_text.ok()) return in_normalized_text.status();
  parts.in_normalized_text = *std::move(in_normalized_text);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::int32_t>> Pipeline::Encode(std::string_view text, bool add_special_tokens) const {
  if (auto status = CheckText(text); !status.ok()) return status;
  std::vector<std::int32_t> ids;
  for (const auto& segment : parts_.in_raw_text->Split(text)) {
    if (segment.id.has_value()) {
      ids.push_back(*segment.id);
    } else if (auto status = EncodeStretch(segment.text, segment.text.data() == text.data(), ids); !status.ok()) {
      return status;
    }
  }
  if (!add_special_tokens) return ids;
  for (const auto& step : parts_.post_processors) ids = step->Process(std::move(ids));
  return ids;
}

absl::Status Pipeline::EncodeStretch(std::string_view text, bool starts_text, std::vector<std::int32_t>& ids) const {
  const auto normalized = Normalize(parts_.normalizers, text);
  if (!normalized.ok()) return normalized.status();
  for (const auto& segment : parts_.in_normalized_text->Split(*normalized)) {
    if (segment.id.has_value()) {
      ids.push_back(*segment.id);
      continue;
    }
    Piece piece = {.text = std::string(segment.text),
                   .starts_text = starts_text && segment.text.data() == normalized->data()};
    if (auto status = EncodePiece(std::move(piece), ids); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Pipeline::EncodePiece(Piece piece, std::vector<std::int32_t>& ids) const {
  const auto words = PreTokenize(parts_.pre_tokenizers, std::move(piece));
  if (!words.ok()) return words.status();
  for (const Piece& word : *words) parts_.model->Tokenize(word.text, ids);
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
  return DecodeTokens(parts_.decoders, std::move(tokens));
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

std::vector<std::int32_t> Pipeline::LeadingSpecialTokens() const {
  constexpr std::int32_t kText = -1;
  std::vector<std::int32_t> ids = {kText};
  for (const auto& step : parts_.post_processors) ids = step->Process(std::move(ids));
  ids.erase(std::find(ids.begin(), ids.end(), kText), ids.end());
  return ids;
}

std::int32_t Pipeline::size() const { return std::max(parts_.model->vocabulary().size(), parts_.added.size()); }

const std::string* Pipeline::FindToken(std::int32_t id) const {
  const std::string* token = parts_.added.FindToken(id);
  return token != nullptr ? token : parts_.model->vocabulary().FindToken(id);
}

}  // namespace headscope::worker::tokenization
