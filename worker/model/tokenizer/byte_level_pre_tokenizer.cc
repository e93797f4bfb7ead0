#include "worker/model/tokenizer/byte_level_pre_tokenizer.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/byte_alphabet.h"
#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {
namespace {

// Contractions; words, numbers and other runs with one space before them; white space, whose last character is left to
// the word that follows it.
constexpr char kWordPattern[] = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::string InByteAlphabet(std::string_view text) {
  std::string characters;
  characters.reserve(2 * text.size());
  for (const char byte : text) AppendByteCharacter(static_cast<std::uint8_t>(byte), characters);
  return characters;
}

class ByteLevelPreTokenizer : public PreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, std::optional<Regex> words)
      : add_prefix_space_(add_prefix_space), words_(std::move(words)) {}

  absl::Status Split(const Piece& piece, std::vector<Piece>& pieces) const override {
    std::string prefixed;
    std::string_view text = piece.text;
    if (add_prefix_space_ && text.front() != ' ') {
      prefixed = absl::StrCat(" ", piece.text);
      text = prefixed;
    }
    if (!words_.has_value()) {
      pieces.push_back({.text = InByteAlphabet(text), .starts_text = piece.starts_text});
      return absl::OkStatus();
    }
    const auto words = words_->Cut(text);
    if (!words.ok()) return words.status();
    for (const Stretch& word : *words) {
      pieces.push_back({.text = InByteAlphabet(text.substr(word.begin, word.end - word.begin)),
                        .starts_text = piece.starts_text && word.begin == 0});
    }
    return absl::OkStatus();
  }

 private:
  const bool add_prefix_space_;
  // Unset: pieces stay whole.
  const std::optional<Regex> words_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadByteLevelPreTokenizer(const Component& component) {
  const auto add_prefix_space = OptionalBool(*component.json, "add_prefix_space", true, component.path);
  if (!add_prefix_space.ok()) return add_prefix_space.status();
  const auto use_regex = OptionalBool(*component.json, "use_regex", true, component.path);
  if (!use_regex.ok()) return use_regex.status();
  std::optional<Regex> words;
  if (*use_regex) {
    auto compiled = Regex::Compile(kWordPattern);
    if (!compiled.ok()) return absl::InternalError(compiled.status().message());
    words = *std::move(compiled);
  }
  return std::make_unique<const ByteLevelPreTokenizer>(*add_prefix_space, std::move(words));
}

}  // namespace headscope::worker::tokenization
