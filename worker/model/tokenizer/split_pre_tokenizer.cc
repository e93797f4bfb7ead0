#include "worker/model/tokenizer/split_pre_tokenizer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/pattern_dialect.h"
#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {
namespace {

constexpr char kPatternPath[] = "pre_tokenizer.pattern";

class SplitPreTokenizer : public PreTokenizer {
 public:
  explicit SplitPreTokenizer(Regex pattern) : pattern_(std::move(pattern)) {}

  absl::Status Split(std::string_view piece, std::vector<std::string>& pieces) const override {
    const auto parts = pattern_.Isolate(piece);
    if (!parts.ok()) return parts.status();
    pieces.insert(pieces.end(), parts->begin(), parts->end());
    return absl::OkStatus();
  }

 private:
  const Regex pattern_;
};

absl::StatusOr<Regex> LoadPattern(const Json& component) {
  const auto pattern = RequireObject(component, "pattern", "pre_tokenizer");
  if (!pattern.ok()) return pattern.status();
  const bool literal = FindField(**pattern, "String") != nullptr;
  const auto text = RequireString(**pattern, literal ? "String" : "Regex", kPatternPath);
  if (!text.ok()) return text.status();
  if (text->empty()) return Malformed(kPatternPath, "is empty");
  const auto translated = literal ? QuotePattern(*text) : TranslatePattern(*text);
  if (!translated.ok()) return translated.status();
  auto compiled = Regex::Compile(*translated);
  if (!compiled.ok()) return Malformed(kPatternPath, absl::StrCat(Quoted(*text), ": ", compiled.status().message()));
  return compiled;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const PreTokenizer>> LoadSplitPreTokenizer(const Json& component) {
  const auto behavior = RequireString(component, "behavior", "pre_tokenizer");
  if (!behavior.ok()) return behavior.status();
  if (*behavior != "Isolated") return Unsupported("pre_tokenizer Split behavior", Quoted(*behavior));
  const auto invert = OptionalBool(component, "invert", false, "pre_tokenizer");
  if (!invert.ok()) return invert.status();
  if (*invert) return Unsupported("pre_tokenizer Split option", "invert");
  auto pattern = LoadPattern(component);
  if (!pattern.ok()) return pattern.status();
  return std::make_unique<const SplitPreTokenizer>(*std::move(pattern));
}

}  // namespace headscope::worker::tokenization
