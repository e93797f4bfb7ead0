#include "worker/model/tokenizer/pattern_dialect.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/characters.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {
namespace {

bool IsPunctuation(char c) {
  return std::ispunct(static_cast<unsigned char>(c)) != 0 && static_cast<signed char>(c) > 0;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

absl::Status Refuse(std::string_view construct) {
  return Unsupported("pre_tokenizer Split pattern construct", Quoted(construct));
}

// Walks the pattern once; each Take function consumes one construct and appends its translation.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : rest_(pattern) {}

  absl::StatusOr<std::string> Translate() {
    while (!rest_.empty()) {
      if (auto status = TakeNext(); !status.ok()) return status;
    }
    return std::move(translated_);
  }

 private:
  absl::Status TakeNext() {
    switch (rest_.front()) {
      case '\\':
        return TakeEscape(/*in_class=*/false);
      case '[':
        return TakeClass();
      case '(':
        return TakeGroup();
      case '{':
        return TakeInterval();
      case '?':
      case '*':
      case '+':
        return TakeRepetition();
      case '.':
      case '^':
      case '$':
        return Refuse(rest_.substr(0, 1));
      default:
        Take(1);
        return absl::OkStatus();
    }
  }

  // \p{L}, \s, \n, \. and their like.
  absl::Status TakeEscape(bool in_class) {
    if (rest_.size() < 2) return Refuse("\\");
    const char letter = rest_[1];
    if (letter == 'p' || letter == 'P') return TakeCategory();
    if (letter == 's' || (letter == 'S' && !in_class)) {
      const char* open = letter == 's' ? "[" : "[^";
      absl::StrAppend(&translated_, in_class ? "" : open, kWhitespaceClass, in_class ? "" : "]");
      rest_.remove_prefix(2);
      return absl::OkStatus();
    }
    constexpr std::string_view kSameMeaning = "rntfdD";
    if (!IsPunctuation(letter) && kSameMeaning.find(letter) == std::string_view::npos)
      return Refuse(rest_.substr(0, 2));
    Take(2);
    return absl::OkStatus();
  }

  // \p{L} or \p{Lu}: general categories only. Scripts and other properties differ between the engines.
  absl::Status TakeCategory() {
    const std::size_t close = rest_.find('}');
    if (rest_.size() < 3 || rest_[2] != '{' || close == std::string_view::npos) return Refuse(rest_.substr(0, 2));
    constexpr std::array<std::string_view, 37> kCategories = {
        "C",  "Cc", "Cf", "Cn", "Co", "Cs", "L",  "Ll", "Lm", "Lo", "Lt", "Lu", "M",
        "Mc", "Me", "Mn", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Pe", "Pf", "Pi",
        "Po", "Ps", "S",  "Sc", "Sk", "Sm", "So", "Z",  "Zl", "Zp", "Zs"};
    if (std::find(kCategories.begin(), kCategories.end(), rest_.substr(3, close - 3)) == kCategories.end()) {
      return Refuse(rest_.substr(0, close + 1));
    }
    Take(close + 1);
    return absl::OkStatus();
  }

  absl::Status TakeClass() {
    const std::string_view whole = rest_;
    Take(1);
    if (!rest_.empty() && rest_.front() == '^') Take(1);
    // A bracket in the first place means different things in the two engines.
    if (!rest_.empty() && rest_.front() == ']') return Refuse(whole);
    while (!rest_.empty() && rest_.front() != ']') {
      if (rest_.front() == '[' || rest_.substr(0, 2) == "&&") return Refuse(whole);
      if (rest_.front() != '\\') {
        Take(1);
      } else if (auto status = TakeEscape(/*in_class=*/true); !status.ok()) {
        return status;
      }
    }
    if (rest_.empty()) return Refuse(whole);
    Take(1);
    return absl::OkStatus();
  }

  absl::Status TakeGroup() {
    if (rest_.substr(0, 2) != "(?") {
      if (rest_.substr(0, 2) == "(*") return Refuse("(*");
      Take(1);
      return absl::OkStatus();
    }
    for (const std::string_view opening : {"(?:", "(?i:", "(?=", "(?!", "(?>"}) {
      if (rest_.substr(0, opening.size()) != opening) continue;
      Take(opening.size());
      return absl::OkStatus();
    }
    return Refuse(rest_.substr(0, 4));
  }

  // ?, *, + with an optional lazy or possessive mark.
  absl::Status TakeRepetition() {
    Take(1);
    if (!rest_.empty() && (rest_.front() == '?' || rest_.front() == '+')) Take(1);
    return RefuseSecondRepetition();
  }

  // {n}, {n,} and {n,m}. Oniguruma reads a mark behind them as a second repetition.
  absl::Status TakeInterval() {
    const std::size_t close = rest_.find('}');
    if (close == std::string_view::npos) return Refuse(rest_.substr(0, 4));
    const std::string_view inside = rest_.substr(1, close - 1);
    const std::size_t comma = std::min(inside.find(','), inside.size());
    const std::string_view high = inside.substr(std::min(comma + 1, inside.size()));
    if (comma == 0 || !std::all_of(inside.begin(), inside.begin() + comma, IsDigit) ||
        !std::all_of(high.begin(), high.end(), IsDigit)) {
      return Refuse(rest_.substr(0, close + 1));
    }
    Take(close + 1);
    return RefuseSecondRepetition();
  }

  absl::Status RefuseSecondRepetition() const {
    constexpr std::string_view kMarks = "?*+{";
    if (rest_.empty() || kMarks.find(rest_.front()) == std::string_view::npos) return absl::OkStatus();
    return Refuse(absl::StrCat("repetition followed by ", std::string(1, rest_.front())));
  }

  void Take(std::size_t size) {
    translated_.append(rest_.substr(0, size));
    rest_.remove_prefix(std::min(size, rest_.size()));
  }

  std::string_view rest_;
  std::string translated_;
};

}  // namespace

absl::StatusOr<std::string> TranslatePattern(std::string_view pattern) { return Translator(pattern).Translate(); }

absl::StatusOr<std::string> QuotePattern(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (IsPunctuation(c)) quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted;
}

}  // namespace headscope::worker::tokenization
