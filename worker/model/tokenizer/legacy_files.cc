#include "worker/model/tokenizer/legacy_files.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "worker/model/tokenizer/legacy_added_tokens.h"

namespace headscope::worker::tokenization {
namespace {

constexpr char kConfigFile[] = "tokenizer_config.json";

// A way to read the two files.
struct TokenizerClass {
  const char* name;
  // Whether it composes text (NFC) and cuts it by a pattern of its own.
  bool composes;
  // Whether it knows add_bos_token.
  bool may_begin;
};

constexpr TokenizerClass kClasses[] = {
    {"GPT2Tokenizer", false, true}, {"CodeGenTokenizer", false, true}, {"Qwen2Tokenizer", true, false}};

// The class that a model type means where no tokenizer_class is given.
constexpr std::pair<std::string_view, std::string_view> kClassOfModel[] = {
    {"", "GPT2Tokenizer"},       {"gpt2", "GPT2Tokenizer"},   {"opt", "GPT2Tokenizer"},
    {"phi", "CodeGenTokenizer"}, {"qwen2", "Qwen2Tokenizer"}, {"qwen3", "Qwen2Tokenizer"}};

absl::StatusOr<std::string> ClassOfModel(const FileReader& read) {
  const auto config = ReadOptionalObject(read, "config.json");
  if (!config.ok()) return config.status();
  const auto type = OptionalString(*config, "model_type", "config.json:");
  if (!type.ok()) return type.status();
  const auto known = std::find_if(std::begin(kClassOfModel), std::end(kClassOfModel),
                                  [&](const auto& entry) { return entry.first == *type; });
  if (known != std::end(kClassOfModel)) return std::string(known->second);
  return absl::FailedPreconditionError(
      absl::StrCat(kConfigFile, " names no tokenizer_class, which is needed where a model of type ", Quoted(*type),
                   " has vocab.json and merges.txt instead of tokenizer.json"));
}

absl::StatusOr<TokenizerClass> FindClass(const FileReader& read, const Json& config) {
  absl::StatusOr<std::string> name = OptionalString(config, "tokenizer_class", kConfigFile);
  if (name.ok() && name->empty()) name = ClassOfModel(read);
  if (!name.ok()) return name.status();
  const auto known = std::find_if(std::begin(kClasses), std::end(kClasses), [&](const TokenizerClass& entry) {
    return *name == entry.name || *name == absl::StrCat(entry.name, "Fast");
  });
  if (known == std::end(kClasses)) return Unsupported("tokenizer.json missing and tokenizer_class", Quoted(*name));
  return *known;
}

Json PreTokenizerOf(const TokenizerClass& tokenizer_class, bool add_prefix_space) {
  Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"use_regex", !tokenizer_class.composes}};
  if (!tokenizer_class.composes) return byte_level;
  constexpr char kPattern[] =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  Json split = {{"type", "Split"}, {"pattern", {{"Regex", kPattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  Json sequence = {{"type", "Sequence"}};
  sequence["pretokenizers"] = Json::array({std::move(split), std::move(byte_level)});
  return sequence;
}

// The lines of merges.txt, its version line left out.
absl::StatusOr<Json> ReadMerges(const FileReader& read) {
  const auto text = read("merges.txt");
  if (!text.ok()) return text.status();
  Json merges = Json::array();
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
    if (line.empty() || absl::StartsWith(line, "#version")) continue;
    if (merges.size() == kMaxJsonValues)
      return Malformed("merges.txt", absl::StrCat("has more than ", kMaxJsonValues, " merges"));
    merges.push_back(std::string(line));
  }
  return merges;
}

absl::StatusOr<Json> ReadModel(const FileReader& read) {
  const auto text = read("vocab.json");
  if (!text.ok()) return text.status();
  auto vocab = ParseObject(*text);
  if (!vocab.ok()) return absl::Status(vocab.status().code(), absl::StrCat("vocab.json: ", vocab.status().message()));
  auto merges = ReadMerges(read);
  if (!merges.ok()) return merges.status();
  Json model = {{"type", "BPE"}};
  model["vocab"] = *std::move(vocab);
  model["merges"] = *std::move(merges);
  return model;
}

// Puts the token with `content` and `id` before every text.
Json BeginningTemplate(const std::string& content, const Json& id) {
  Json piece = {{"SpecialToken", {{"id", content}}}};
  Json text = {{"Sequence", {{"id", "A"}}}};
  Json component = {{"type", "TemplateProcessing"}};
  component["single"] = Json::array({std::move(piece), std::move(text)});
  component["special_tokens"][content]["ids"] = Json::array({id});
  return component;
}

// Adds the beginning of sequence, if the configuration asks for it.
absl::Status AddBeginning(const Json& config, const SpecialTokens& special, Json& tokenizer) {
  const auto wanted = OptionalBool(config, "add_bos_token", false, kConfigFile);
  if (!wanted.ok()) return wanted.status();
  if (!*wanted) return absl::OkStatus();
  if (special.beginning.empty()) return Malformed(kConfigFile, "has add_bos_token true and no bos_token");
  for (const Json& token : tokenizer["added_tokens"]) {
    if (token["content"] == special.beginning) {
      tokenizer["post_processor"] = BeginningTemplate(special.beginning, token["id"]);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Json> ReadLegacyFiles(const FileReader& read) {
  auto model = ReadModel(read);
  if (!model.ok()) return model.status();
  const auto config = ReadOptionalObject(read, kConfigFile);
  if (!config.ok()) return config.status();
  const auto tokenizer_class = FindClass(read, *config);
  if (!tokenizer_class.ok()) return tokenizer_class.status();
  const auto special = ReadSpecialTokens(read, *config);
  if (!special.ok()) return special.status();
  auto added = ReadAddedTokens(read, *config, *special, (*model)["vocab"]);
  if (!added.ok()) return added.status();
  const auto add_prefix_space = OptionalBool(*config, "add_prefix_space", false, kConfigFile);
  if (!add_prefix_space.ok()) return add_prefix_space.status();

  Json tokenizer;
  tokenizer["added_tokens"] = *std::move(added);
  if (tokenizer_class->composes) tokenizer["normalizer"] = {{"type", "NFC"}};
  tokenizer["pre_tokenizer"] = PreTokenizerOf(*tokenizer_class, *add_prefix_space);
  tokenizer["decoder"] = {{"type", "ByteLevel"}};
  tokenizer["model"] = *std::move(model);
  if (tokenizer_class->may_begin) {
    if (auto status = AddBeginning(*config, *special, tokenizer); !status.ok()) return status;
  }
  return tokenizer;
}

}  // namespace headscope::worker::tokenization
