#include "worker/model/tokenizer/bpe_loader.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/byte_alphabet.h"

namespace headscope::worker::tokenization {
namespace {

absl::StatusOr<Vocabulary> LoadVocabulary(const Json& model) {
  const auto tokens = RequireObject(model, "vocab", "model");
  if (!tokens.ok()) return tokens.status();
  Vocabulary vocabulary;
  for (const auto& [token, value] : (*tokens)->items()) {
    const auto id = ReadTokenId(value, absl::StrCat("model.vocab[", Quoted(token), "]"));
    if (!id.ok()) return id.status();
    if (auto status = vocabulary.Add(token, *id); !status.ok())
      return Malformed("model.vocab:", std::string(status.message()));
  }
  return vocabulary;
}

// The two halves of a merge, written either "a b" or ["a", "b"].
absl::StatusOr<std::pair<std::string, std::string>> ReadHalves(const Json& merge, const std::string& where) {
  if (merge.is_string()) {
    const std::string& text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      return Malformed(where, absl::StrCat("is ", Quoted(text), ", two tokens with one space between are wanted"));
    }
    return std::make_pair(text.substr(0, space), text.substr(space + 1));
  }
  if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) {
    return Malformed(where, R"(is neither "a b" nor ["a", "b"])");
  }
  return std::make_pair(merge[0].get<std::string>(), merge[1].get<std::string>());
}

absl::StatusOr<BpeModel::Merge> ReadMerge(const Json& value, const Vocabulary& vocabulary, const std::string& where) {
  const auto halves = ReadHalves(value, where);
  if (!halves.ok()) return halves.status();
  BpeModel::Merge merge;
  const std::pair<std::string, std::int32_t*> parts[] = {
      {halves->first, &merge.left}, {halves->second, &merge.right}, {halves->first + halves->second, &merge.merged}};
  for (const auto& [token, id] : parts) {
    const auto found = vocabulary.FindId(token);
    if (!found.has_value()) return Malformed(where, absl::StrCat("needs ", Quoted(token), ", which is not in vocab"));
    *id = *found;
  }
  return merge;
}

absl::StatusOr<std::vector<BpeModel::Merge>> LoadMerges(const Json& model, const Vocabulary& vocabulary) {
  const auto values = RequireArray(model, "merges", "model");
  if (!values.ok()) return values.status();
  std::vector<BpeModel::Merge> merges;
  merges.reserve((*values)->size());
  for (std::size_t index = 0; index < (*values)->size(); ++index) {
    const Json& value = (**values)[index];
    // A header line of merges.txt that some converters carried over.
    if (value.is_string() && absl::StartsWith(value.get_ref<const std::string&>(), "#version")) continue;
    const auto merge = ReadMerge(value, vocabulary, absl::StrCat("model.merges[", index, "]"));
    if (!merge.ok()) return merge.status();
    merges.push_back(*merge);
  }
  return merges;
}

bool HoldsByteAlphabet(const Vocabulary& vocabulary) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string character;
    AppendByteCharacter(static_cast<std::uint8_t>(byte), character);
    if (!vocabulary.FindId(character).has_value()) return false;
  }
  return true;
}

absl::Status CheckType(const Json& model) {
  // Older files leave the type out; only BPE has merges.
  if (FindField(model, "type") == nullptr && FindField(model, "merges") != nullptr) return absl::OkStatus();
  const auto type = RequireString(model, "type", "model");
  if (!type.ok()) return type.status();
  return *type == "BPE" ? absl::OkStatus() : Unsupported("model", Quoted(*type));
}

// Refuses the options whose effect this model does not reproduce.
absl::Status RefuseOptions(const Json& model) {
  if (const Json* dropout = FindField(model, "dropout"); dropout != nullptr && *dropout != 0.0) {
    return Unsupported("model BPE option", "dropout");
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto text = OptionalString(model, key, "model");
    if (!text.ok()) return text.status();
    if (!text->empty()) return Unsupported("model BPE option", key);
  }
  return absl::OkStatus();
}

// The id of unk_token. Byte-level files name one that is no token: no character is unknown to them.
absl::StatusOr<std::optional<std::int32_t>> ReadUnknown(const Json& model, const Vocabulary& vocabulary) {
  const auto token = OptionalString(model, "unk_token", "model");
  if (!token.ok()) return token.status();
  const std::optional<std::int32_t> id = vocabulary.FindId(*token);
  const bool names_one = FindField(model, "unk_token") != nullptr;
  if (names_one && !id.has_value() && !HoldsByteAlphabet(vocabulary)) {
    return Malformed("model.unk_token", absl::StrCat("is ", Quoted(*token), ", which is not in vocab"));
  }
  return names_one ? id : std::nullopt;
}

absl::StatusOr<BpeModel::Options> ReadOptions(const Json& model, const Vocabulary& vocabulary) {
  BpeModel::Options options;
  const std::pair<const char*, bool*> flags[] = {{"ignore_merges", &options.ignore_merges},
                                                 {"byte_fallback", &options.byte_fallback},
                                                 {"fuse_unk", &options.fuse_unknown}};
  for (const auto& [key, flag] : flags) {
    const auto read = OptionalBool(model, key, false, "model");
    if (!read.ok()) return read.status();
    *flag = *read;
  }
  const auto unknown = ReadUnknown(model, vocabulary);
  if (!unknown.ok()) return unknown.status();
  options.unknown = *unknown;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const BpeModel>> LoadBpeModel(const Json& model) {
  if (auto status = CheckType(model); !status.ok()) return status;
  auto vocabulary = LoadVocabulary(model);
  if (!vocabulary.ok()) return vocabulary.status();
  if (auto status = RefuseOptions(model); !status.ok()) return status;
  const auto options = ReadOptions(model, *vocabulary);
  if (!options.ok()) return options.status();
  const auto merges = LoadMerges(model, *vocabulary);
  if (!merges.ok()) return merges.status();
  return std::make_unique<const BpeModel>(*std::move(vocabulary), *merges, *options);
}

}  // namespace headscope::worker::tokenization
