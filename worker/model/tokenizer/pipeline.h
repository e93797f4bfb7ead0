// The reference library's pipeline, put together from the components of one tokenizer.json.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/added_tokens.h"
#include "worker/model/tokenizer/bpe_model.h"
#include "worker/model/tokenizer/decoder.h"
#include "worker/model/tokenizer/json_fields.h"
#include "worker/model/tokenizer/normalizer.h"
#include "worker/model/tokenizer/post_processor.h"
#include "worker/model/tokenizer/pre_tokenizer.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker::tokenization {

// Encodes in this order: split at added tokens that are matched in the raw text; normalize what lies between; split
// that at the added tokens that are matched in normalized text; pre-tokenize; merge; post-process. The sections
// "truncation" and "padding" are left aside on purpose: a row is cut by the job's options only. Immutable: thread-safe.
class Pipeline : public Tokenizer {
 public:
  // `tokenizer` is the whole file. Errors as Tokenizer::Parse.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> Create(const Json& tokenizer);

  absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text, bool add_special_tokens) const override;
  absl::StatusOr<std::string> Decode(const std::vector<std::int32_t>& ids) const override;
  std::optional<std::string> TokenString(std::int32_t id) const override;
  std::optional<std::int32_t> TokenId(std::string_view token) const override;
  std::vector<std::int32_t> LeadingSpecialTokens() const override;
  std::int32_t size() const override;

 private:
  struct Parts {
    std::unique_ptr<const BpeModel> model;
    Vocabulary added;
    std::optional<AddedTokenSplitter> in_raw_text;
    std::optional<AddedTokenSplitter> in_normalized_text;
    Normalizers normalizers;
    PreTokenizers pre_tokenizers;
    PostProcessors post_processors;
    TokenDecoders decoders;
  };

  explicit Pipeline(Parts parts) : parts_(std::move(parts)) {}

  // Reads everything but the added tokens.
  static absl::StatusOr<Parts> LoadParts(const Json& tokenizer);
  static absl::Status LoadTokens(const Json& tokenizer, Parts& parts);

  // Appends the ids of a stretch of raw text without raw added tokens. `starts_text`: it is the first.
  absl::Status EncodeStretch(std::string_view text, bool starts_text, std::vector<std::int32_t>& ids) const;
  // Appends the ids of a piece of normalized text without any added tokens.
  absl::Status EncodePiece(Piece piece, std::vector<std::int32_t>& ids) const;
  const std::string* FindToken(std::int32_t id) const;

  const Parts parts_;
};

}  // namespace headscope::worker::tokenization
