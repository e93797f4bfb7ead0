#include "worker/model/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/characters.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

// Bounds the work per byte of text, whatever the tokens are.
constexpr std::size_t kMaxContentBytes = 4096;

absl::StatusOr<AddedToken> ReadAddedToken(const Json& value, const std::string& where) {
  if (!value.is_object()) return Malformed(where, "is not an object");
  AddedToken token;
  const auto id = ReadTokenId(value.value("id", Json()), where + ".id");
  if (!id.ok()) return id.status();
  token.id = *id;
  auto content = RequireString(value, "content", where);
  if (!content.ok()) return content.status();
  if (content->size() > kMaxContentBytes) {
    return Malformed(where, absl::StrCat("has ", content->size(), " bytes, at most ", kMaxContentBytes, " are read"));
  }
  token.content = *std::move(content);
  const std::pair<const char*, bool*> flags[] = {{"single_word", &token.single_word},
                                                 {"lstrip", &token.lstrip},
                                                 {"rstrip", &token.rstrip},
                                                 {"normalized", &token.normalized},
                                                 {"special", &token.special}};
  for (const auto& [key, flag] : flags) {
    const auto read = OptionalBool(value, key, *flag, where);
    if (!read.ok()) return read.status();
    *flag = *read;
  }
  return token;
}

}  // namespace

absl::StatusOr<std::vector<AddedToken>> LoadAddedTokens(const Json& tokenizer, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  if (FindField(tokenizer, "added_tokens") == nullptr) return tokens;
  const auto values = RequireArray(tokenizer, "added_tokens", "");
  if (!values.ok()) return values.status();
  absl::flat_hash_set<std::string> contents;
  auto next_id = static_cast<std::int32_t>(vocabulary.count());
  for (std::size_t index = 0; index < (*values)->size(); ++index) {
    const std::string where = absl::StrCat("added_tokens[", index, "]");
    auto token = ReadAddedToken((**values)[index], where);
    if (!token.ok()) return token.status();
    if (token->content.empty()) continue;
    if (!contents.insert(token->content).second) {
      return Malformed(where, absl::StrCat("repeats ", Quoted(token->content)));
    }
    const std::int32_t expected = vocabulary.FindId(token->content).value_or(next_id);
    if (token->id != expected) {
      return Malformed(
          where, absl::StrCat("gives ", Quoted(token->content), " id ", token->id, "; the reference library gives it ",
                              expected, " (its id in vocab, or the next one beyond vocab)"));
    }
    next_id = std::max(next_id, expected + 1);
    tokens.push_back(*std::move(token));
  }
  return tokens;
}

AddedTokenSplitter::AddedTokenSplitter(std::vector<AddedToken> tokens, Regex word_character)
    : tokens_(std::move(tokens)), word_character_(std::move(word_character)) {
  for (std::size_t index = 0; index < tokens_.size(); ++index) trie_.Insert(tokens_[index].content, index);
}

absl::StatusOr<AddedTokenSplitter> AddedTokenSplitter::Create(std::vector<AddedToken> tokens) {
  auto word_character = Regex::Compile(absl::StrCat("[", kWordClass, "]"));
  if (!word_character.ok()) return absl::InternalError(word_character.status().message());
  std::stable_partition(tokens.begin(), tokens.end(), [](const AddedToken& token) { return token.special; });
  return AddedTokenSplitter(std::move(tokens), *std::move(word_character));
}

std::vector<AddedTokenSplitter::Segment> AddedTokenSplitter::Split(std::string_view text) const {
  std::vector<Segment> segments;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto match = trie_.empty() ? std::nullopt : trie_.FindLongest(text, at);
    if (!match.has_value()) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[match->value];
    std::size_t begin = at;
    std::size_t end = at + match->size;
    // The search goes on behind the match even where the token then takes white space beyond it.
    at = end;
    if (token.single_word && !IsSingleWord(text, begin, end)) continue;
    if (token.lstrip) begin = std::max(SkipSpaceLeft(text, begin, done), done);
    end = std::max(token.rstrip ? SkipSpaceRight(text, end) : end, begin);
    if (done < begin) segments.push_back({.text = text.substr(done, begin - done), .id = std::nullopt});
    segments.push_back({.text = text.substr(begin, end - begin), .id = token.id});
    done = end;
  }
  if (done < text.size()) segments.push_back({.text = text.substr(done), .id = std::nullopt});
  return segments;
}

bool AddedTokenSplitter::IsSingleWord(std::string_view text, std::size_t begin, std::size_t end) const {
  if (begin > 0) {
    const std::size_t previous = PreviousCharacter(text, begin);
    if (word_character_.MatchesStart(text.substr(previous, begin - previous))) return false;
  }
  return end == text.size() || !word_character_.MatchesStart(text.substr(end, ReadUtf8(text, end).size));
}

}  // namespace headscope::worker::tokenization
