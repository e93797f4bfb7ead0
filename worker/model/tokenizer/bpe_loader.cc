#include "worker/model/tokenizer/bpe_loader.h"

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
absl::Status CheckOptions(const Json& model, const Vocabulary& vocabulary) {
  if (const Json* dropout = FindField(model, "dropout"); dropout != nullptr && *dropout != 0.0) {
    return Unsupported("model BPE option", "dropout");
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto text = OptionalString(model, key, "model");
    if (!text.ok()) return text.status();
    if (!text->empty()) return Unsupported("model BPE option", key);
  }
  const auto unknown = OptionalString(model, "unk_token", "model");
  if (!unknown.ok()) return unknown.status();
  const auto fallback = OptionalBool(model, "byte_fallback", false, "model");
  if (!fallback.ok()) return fallback.status();
  if ((*fallback || FindField(model, "unk_token") != nullptr) && !HoldsByteAlphabet(vocabulary)) {
    return Unsupported("model BPE option",
                       absl::StrCat(*fallback ? "byte_fallback" : "unk_token", " without the whole byte alphabet"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const BpeModel>> LoadBpeModel(const Json& model) {
  if (auto status = CheckType(model); !status.ok()) return status;
  auto vocabulary = LoadVocabulary(model);
  if (!vocabulary.ok()) return vocabulary.status();
  if (auto status = CheckOptions(model, *vocabulary); !status.ok()) return status;
  const auto ignore_merges = OptionalBool(model, "ignore_merges", false, "model");
  if (!ignore_merges.ok()) return ignore_merges.status();
  const auto merges = LoadMerges(model, *vocabulary);
  if (!merges.ok()) return merges.status();
  return std::make_unique<const BpeModel>(*std::move(vocabulary), *merges,
                                          BpeModel::Options{.ignore_merges = *ignore_merges});
}

}  // namespace headscope::worker::tokenization
