#include "worker/model/tokenizer/byte_level_pre_tokenizer.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/byte_alphabet.h"
#include "worker/model/tokenizer/characters.h"
#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {
namespace {

// Contractions; words, numbers and other runs with one space before them; white space, whose last character is left to
// the word that follows it.
std::string WordPattern() {
  const absl::string_view space = kWhitespaceClass;
  return absl::StrCat(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{L}\p{N})", space, "]+|[", space, "]+(?![^",
                      space, "])|[", space, "]+");
}

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

  absl::Status Split(std::string_view piece, std::vector<std::string>& pieces) const override {
    std::string prefixed;
    if (add_prefix_space_ && piece.front() != ' ') {
      prefixed = absl::StrCat(" ", absl::string_view(piece.data(), piece.size()));
      piece = prefixed;
    }
    if (!words_.has_value()) {
      pieces.push_back(InByteAlphabet(piece));
      return absl::OkStatus();
    }
    const auto words = words_->Isolate(piece);
    if (!words.ok()) return words.status();
    for (const std::string_view word : *words) pieces.push_back(InByteAlphabet(word));
    return absl::OkStatus();
  }

 private:
  const bool add_prefix_space_;
  // Unset: pieces stay whole.
  const std::optional<Regex> words_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadByteLevelPreTokenizer(const Json& component) {
  const auto add_prefix_space = OptionalBool(component, "add_prefix_space", true, "pre_tokenizer");
  if (!add_prefix_space.ok()) return add_prefix_space.status();
  const auto use_regex = OptionalBool(component, "use_regex", true, "pre_tokenizer");
  if (!use_regex.ok()) return use_regex.status();
  std::optional<Regex> words;
  if (*use_regex) {
    auto compiled = Regex::Compile(WordPattern());
    if (!compiled.ok()) return absl::InternalError(compiled.status().message());
    words = *std::move(compiled);
  }
  return std::make_unique<const ByteLevelPreTokenizer>(*add_prefix_space, std::move(words));
}

}  // namespace headscope::worker::tokenization
